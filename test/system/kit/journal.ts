/** Reads what handlers and pushers wrote about themselves: the library is never asked. */
import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import type { Line } from "../programs/journal.mjs";

export type { Line };

export interface PushLine {
  at: number;
  taskId: string;
  name: string;
  what: "ok" | "unknown";
}

/** The whole lines of a file; one that is being written is not there yet. */
function linesOf<T>(path: string): T[] {
  if (!existsSync(path)) return [];
  const text = readFileSync(path, "utf8");
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  return whole
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as T);
}

const NEWLINE = 10;

export class Journal {
  readonly path: string;
  /** Kept, as tests that wait ask all the time, beside the proxies of the same process. */
  readonly #known: Line[] = [];
  #readBytes = 0;

  constructor(path: string) {
    this.path = path;
  }

  lines(filter: Partial<Line> = {}): Line[] {
    this.#readOn();
    const wanted = Object.entries(filter);
    return this.#known.filter((line) =>
      wanted.every(([field, value]) => line[field as keyof Line] === value),
    );
  }

  /** Whole lines that were written since. */
  #readOn(): void {
    if (!existsSync(this.path)) return;
    const file = openSync(this.path, "r");
    try {
      const added = Buffer.alloc(Math.max(0, fstatSync(file).size - this.#readBytes));
      const size = readSync(file, added, 0, added.length, this.#readBytes);
      const whole = added.subarray(0, added.lastIndexOf(NEWLINE, size - 1) + 1);
      this.#readBytes += whole.length;
      for (const line of whole.toString("utf8").split("\n")) {
        if (line !== "") this.#known.push(JSON.parse(line) as Line);
      }
    } finally {
      closeSync(file);
    }
  }

  starts(filter: Partial<Line> = {}): Line[] {
    return this.lines({ ...filter, what: "start" });
  }

  ends(filter: Partial<Line> = {}): Line[] {
    return this.lines({ ...filter, what: "end" });
  }

  aborts(filter: Partial<Line> = {}): Line[] {
    return this.lines({ ...filter, what: "abort" });
  }
}

export function readLedger(path: string): PushLine[] {
  return linesOf<PushLine>(path);
}

/** How often each of the names is there. */
export function tally(lines: readonly { name?: string }[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { name = "" } of lines) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
