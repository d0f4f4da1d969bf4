/**
 * Texts as SQLite can keep them: bindings cut them at a NUL, and a half surrogate pair has no
 * UTF-8. Such a text is written as JSON behind a mark; all others, JSON among them, as they are.
 */

const MARK = "\u0001";

export function toStored(text: string): string {
  return isSafe(text) ? text : MARK + JSON.stringify(text);
}

export function fromStored(text: string): string {
  return text.startsWith(MARK) ? (JSON.parse(text.slice(MARK.length)) as string) : text;
}

/** As `toStored`, for what may be missing. */
export function toStoredOrNull(text: string | null): string | null {
  return text === null ? null : toStored(text);
}

export function fromStoredOrNull(text: string | null): string | null {
  return text === null ? null : fromStored(text);
}

/** In every Node that we support, but not yet in the types of ES2023. */
type WellFormed = string & { isWellFormed(): boolean };

function isSafe(text: string): boolean {
  return !text.startsWith(MARK) && !text.includes("\0") && (text as WellFormed).isWellFormed();
}
