/** Reads what handlers and pushers wrote about themselves: the library is never asked. */
import { existsSync, readFileSync } from "node:fs";
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

export class Journal {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  lines(filter: Partial<Line> = {}): Line[] {
    const wanted = Object.entries(filter);
    return linesOf<Line>(this.path).filter((line) =>
      wanted.every(([field, value]) => line[field as keyof Line] === value),
    );
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
