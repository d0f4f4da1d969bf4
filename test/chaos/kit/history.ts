/**
 * What happened in a fault run, as pushers, handlers and the controller wrote it, each in a file of
 * its own; `t` is ms on one monotonic clock. The library was not asked for any of it, except where
 * it says so.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

interface At {
  t: number;
  /** The process, as the controller calls it; or "controller". */
  by: string;
}

interface Ids {
  /** What the pusher called it; absent for jobs of schedules. */
  name?: string;
  jobId: string;
  taskId: string;
  attempt: number;
  fence: number;
  scheduleId?: string;
  scheduledFor?: number;
}

export interface Push extends At {
  what: "push";
  name: string;
  taskId: string;
  retries: boolean;
  hasId: boolean;
  delayMs: number;
  plan: (string | number)[];
}

export interface Pushed extends At {
  what: "pushed";
  name: string;
  outcome: "ok" | "refused" | "unknown";
  code?: string;
  created?: boolean;
}

export interface Start extends At, Ids {
  what: "start";
}

export interface End extends At, Ids {
  what: "end";
  ok: boolean;
}

export interface Abort extends At, Ids {
  what: "abort";
  reason: string;
}

/** What the library says of itself; judged, never believed. */
export interface Completed extends At {
  what: "completed";
  jobId: string;
  taskId: string;
  attempt: number;
}

export interface Health extends At {
  what: "health";
  live: boolean;
  ready: boolean;
  reasons: string[];
}

/** `term`: SIGTERM has arrived; `stopped`: its last word. */
interface Life<What> extends At {
  what: What;
}

export interface Spawn extends At {
  what: "spawn";
  process: string;
  role: "worker" | "pusher" | "registrar";
}

export interface Exit extends At {
  what: "exit";
  process: string;
  code: number | null;
  signal: string | null;
  /** The controller killed it, or the job that ran said so. */
  expected: boolean;
  said: string;
}

/** One fault, noted when it was over. */
export interface Fault extends At {
  what: "fault";
  kind: string;
  from: number;
  to: number;
  /** Those that it hit; none: all, by way of the store. */
  processes?: string[];
  /** So many ms before `from` may have been forgotten by the store; -1: everything. */
  lossMs?: number;
  /** The store's clock was moved by so much. */
  jumpMs?: number;
  /** Claims and settles have to go on while it lasts. */
  works?: boolean;
}

/** A process did not get to run: it was stopped, blocked, or the machine was busy. */
export interface Lag extends At {
  what: "lag";
  from: number;
  to: number;
}

/** The server, or the disk beneath it, let somebody wait who only asked what time it is. */
export interface Stall extends At {
  what: "stall";
  from: number;
  to: number;
}

export interface ClockSample extends At {
  what: "clock";
  storeMs: number;
}

/** Marks of the controller: the last fault is over; nothing is left to run; it gave up waiting. */
export interface Phase extends At {
  what: "phase";
  phase: "faults" | "healed" | "drained" | "stuck" | "end";
}

/** What the store's raw data still name at the end: jobs, and `scheduleId@instant`. */
export interface Remains extends At {
  what: "remains";
  names: string[];
}

export type Line =
  | Push
  | Pushed
  | Start
  | End
  | Abort
  | Completed
  | Health
  | Life<"hello">
  | Life<"up">
  | Life<"term">
  | Life<"stopped">
  | Spawn
  | Exit
  | Fault
  | Lag
  | Stall
  | ClockSample
  | Phase
  | Remains;

type Of<What extends Line["what"]> = Extract<Line, { what: What }>;

export class History {
  readonly lines: readonly Line[];
  readonly #byKind = new Map<string, Line[]>();

  constructor(lines: readonly Line[]) {
    this.lines = [...lines].sort((a, b) => a.t - b.t);
    for (const line of this.lines) {
      const same = this.#byKind.get(line.what);
      if (same === undefined) this.#byKind.set(line.what, [line]);
      else same.push(line);
    }
  }

  /** All lines of a kind, in the order of time. */
  of<What extends Line["what"]>(what: What): Of<What>[] {
    return (this.#byKind.get(what) ?? []) as Of<What>[];
  }

  phase(phase: Phase["phase"]): number | null {
    return this.of("phase").find((line) => line.phase === phase)?.t ?? null;
  }

  /** Until when a process can have done anything. */
  endOf(process: string): number {
    const exit = this.of("exit").find((line) => line.process === process);
    return exit?.t ?? Number.POSITIVE_INFINITY;
  }
}

/** Reads all files of a folder; a line that a kill cut short is left out. */
export function readHistory(folder: string): History {
  const files = readdirSync(folder).filter((name) => name.endsWith(".jsonl"));
  return new History(files.flatMap((name) => linesOf(readFileSync(join(folder, name), "utf8"))));
}

function linesOf(text: string): Line[] {
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  return whole
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
}
