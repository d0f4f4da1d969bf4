/** Stores in processes of their own: the library compiled once, and children that run it. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Firing } from "../../src/core/schedule/outcome.js";
import type {
  LookArgs,
  NewJob,
  ScheduleWrite,
  Store,
  Wake,
  WorkArgs,
} from "../../src/store/contract.js";

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, "../..");

/** Compiles the library beside its node_modules, so that it finds them; the folder. */
export function compile(): string {
  mkdirSync(join(ROOT, ".cache"), { recursive: true });
  const folder = mkdtempSync(join(ROOT, ".cache", "sqlite-"));
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");

  const args = [tsc, "-p", ROOT, "--outDir", folder, "--noCheck"];
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status === 0) return folder;
  dispose(folder);
  throw new Error(`tsc ended with ${status}: ${stdout}`);
}

export function dispose(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program of this folder to its end. */
export function run(name: string, args: readonly string[], cwd: string = ROOT): Promise<Ended> {
  const child = spawn(process.execPath, [join(HERE, "programs", name), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    cwd,
  });
  const ended: Ended = { code: null, stdout: "", stderr: "" };
  child.stdout.on("data", (text) => {
    ended.stdout += text;
  });
  child.stderr.on("data", (text) => {
    ended.stderr += text;
  });
  return new Promise((resolve) => {
    child.on("close", (code) => resolve({ ...ended, code }));
  });
}

type Verb = Exclude<
  keyof Store,
  "shards" | "spreads" | "onWake" | "onConnection" | "guarantee" | "health"
>;
type Answer<V extends Verb> = Awaited<ReturnType<Store[V]>>;

interface Line {
  call?: number;
  answer?: unknown;
  error?: string;
  wake?: Wake;
}

/** A store in another process, called as if it were here. */
export class Actor {
  readonly wakes: Wake[] = [];
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (line: Line) => void>();
  #calls = 0;

  constructor(folder: string, path: string) {
    const program = join(HERE, "programs", "actor.mjs");
    this.#child = spawn(process.execPath, [program, folder, path], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#child.stdin?.on("error", () => {});
    createInterface({ input: this.#child.stdout! }).on("line", (text) => {
      const line = JSON.parse(text) as Line;
      if (line.wake !== undefined) this.wakes.push(line.wake);
      else this.#waiting.get(line.call ?? -1)?.(line);
    });
    this.#child.on("exit", () => {
      for (const [call, answer] of this.#waiting) answer({ call, error: "the process has ended" });
    });
  }

  call<V extends Verb>(verb: V, args?: Parameters<Store[V]>[0]): Promise<Answer<V>> {
    const call = this.#calls;
    this.#calls += 1;
    return new Promise((resolve, reject) => {
      this.#waiting.set(call, ({ answer, error }) => {
        this.#waiting.delete(call);
        if (error === undefined) resolve(answer as Answer<V>);
        else reject(new Error(error));
      });
      this.#child.stdin?.write(`${JSON.stringify({ call, verb, args })}\n`);
    });
  }

  push(jobs: readonly NewJob[]): Promise<Answer<"push">> {
    return this.call("push", { jobs, timeoutMs: 20_000 });
  }

  claim(limit: number, change: Partial<WorkArgs> = {}): Promise<Answer<"work">> {
    return this.call("work", workArgs(limit, change));
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** The process dies at once, in the middle of whatever it does. */
  kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return Promise.resolve();
    return new Promise((resolve) => {
      this.#child.on("exit", () => resolve());
      this.#child.kill("SIGKILL");
    });
  }
}

export function newJob(change: Partial<NewJob> = {}): NewJob {
  const rules = { retry: null, priority: 0, timeoutMs: null };
  return { taskId: "t", id: null, payload: "", due: null, rules, occurrence: null, ...change };
}

export function workArgs(limit: number, change: Partial<WorkArgs> = {}): WorkArgs {
  const rule = { ageMs: 60_000, count: 100 };
  return {
    settles: [],
    claims: [{ taskId: "t", limit }],
    idle: false,
    leaseMs: 60_000,
    keep: { idMs: 60_000, idCount: 100, completed: rule, dead: rule, cancelled: rule },
    ...change,
  };
}

/** A look for the work of task t that fires nothing. */
export function lookArgs(change: Partial<LookArgs> = {}): LookArgs {
  const fireable = { taskIds: [], scheduleIds: [] };
  return { taskIds: ["t"], fireable, registration: null, sleepMs: 1_000, ...change };
}

/** A look that also fires the schedules of task t. */
export function fireArgs(change: Partial<LookArgs> = {}): LookArgs {
  return lookArgs({ fireable: { taskIds: ["t"], scheduleIds: [] }, ...change });
}

export function newSchedule(change: Partial<ScheduleWrite> & { firstAt: number }): ScheduleWrite {
  return {
    ...{ scheduleId: "s", taskId: "t", definition: "{}", digest: "d1", payload: "" },
    rules: { retry: null, priority: 0, timeoutMs: null },
    ...{ overlap: "allow", local: false, jitterMs: 0, decidedAt: null, generation: null },
    ...change,
  };
}

/** The decision that one occurrence fires in time. */
export function firing(scheduledFor: number): Firing {
  return { kind: "fire", scheduledFor, isCatchup: false, missedCount: 0 };
}
