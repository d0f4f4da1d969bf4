/**
 * One history as the judges look at it: runs, pushes and faults put together, the list of excuses,
 * and what was found so far.
 */
import type { End, Fault, History, Push, Pushed, Start } from "../kit/history.js";

/** What the processes of a run were configured with; all in ms. */
export interface Rules {
  leaseMs: number;
  pollMs: number;
  /** `retryTimeout` of pushed jobs and of schedules. */
  retryMs: number;
  stopMs: number;
  schedules: readonly { scheduleId: string; everyMs: number; retries: boolean }[];
}

/** After a fault a living instance works again within this time. */
export const BACK_MS = 5_000;

/**
 * A task that has lost its line or its due times goes on within this time: schedulers look for that
 * each half to one and a half minutes, the fleet at each task once in 50 s.
 */
export const MENDED_MS = 150_000;

/** What a machine that does other things may add to any bound. */
export const SLACK_MS = 3_000;

const CONTROLLER = "controller";

/** A third of a lease may have passed since the last renewal when a fault begins. */
const LEASE_SHARE = 0.6;

export type Invariant =
  | "I1"
  | "I2"
  | "I3"
  | "I4"
  | "I5"
  | "I6"
  | "I7"
  | "I8"
  | "I10"
  | "I13"
  | "I14"
  /** Not of the library: the run itself did not come to its end. */
  | "run";

/**
 * Why a case that looks broken is not: each is the name of what has been promised, and not more.
 * - `lease`: the process was stopped, blocked or cut off for so long that its lease had to end
 * - `signal`: the handler went on after its signal had aborted
 * - `durability window`: the store was allowed to forget it
 * - `interrupted`: retry is off, and the process that had claimed it died or was told to stop
 * - `clock`: the store's clock had been beyond the instants; what was decided then stays decided,
 *   and what was to wait then waits until the clock gets there again
 */
export type Excuse = "lease" | "signal" | "durability window" | "interrupted" | "clock";

export interface Run {
  start: Start;
  end: End | null;
  /** When it was over: its end, or that of its process. */
  until: number;
}

export interface Told {
  push: Push;
  answers: Pushed[];
  /** When it was known to be stored; null: never. */
  okAt: number | null;
  runs: Run[];
}

export class Case {
  readonly history: History;
  readonly rules: Rules;
  readonly told: Map<string, Told>;
  readonly runs: Run[];
  /** By task and job. */
  readonly byJob: Map<string, Run[]> = new Map();
  readonly violations: { invariant: Invariant; text: string }[] = [];
  readonly excused: Map<string, number> = new Map();
  /** What the store's raw data name at the end: jobs, and `scheduleId@instant`. */
  readonly remains: ReadonlySet<string>;
  readonly #faults: Fault[];
  /** When there was no worker at all. */
  readonly #lonely: { from: number; to: number }[];
  readonly #halts: { process: string; from: number; to: number }[];

  constructor(history: History, rules: Rules) {
    this.history = history;
    this.rules = rules;
    this.runs = runsOf(history);
    for (const run of this.runs) add(this.byJob, `${run.start.taskId}/${run.start.jobId}`, run);
    this.told = toldOf(history, this.runs);
    this.remains = new Set(history.of("remains").flatMap(({ names }) => names));
    this.#faults = history.of("fault");
    this.#lonely = lonelyOf(history);
    this.#halts = this.#haltsOf();
  }

  broken(invariant: Invariant, text: string): void {
    this.violations.push({ invariant, text });
  }

  /** Counts a case that a theorem excuses. */
  excuse(invariant: Invariant, excuse: Excuse): void {
    const name = `${invariant} ${excuse}`;
    this.excused.set(name, (this.excused.get(name) ?? 0) + 1);
  }

  /** Broken, unless one of the excuses holds. */
  unless(
    excuses: readonly (readonly [Excuse, boolean])[],
    invariant: Invariant,
    text: () => string,
  ): void {
    const found = excuses.find(([, holds]) => holds);
    if (found === undefined) this.broken(invariant, text());
    else this.excuse(invariant, found[0]);
  }

  /** Whether the store was allowed to forget what happened at `t`. */
  isForgettable(t: number): boolean {
    return this.#faults.some(({ from, to, lossMs }) => {
      if (lossMs === undefined || t > to) return false;
      return lossMs < 0 || t >= from - lossMs;
    });
  }

  /** Whether schedules were lost at that time, and may not have been registered again. */
  hadNoSchedules(t: number): boolean {
    return this.#faults.some(
      ({ kind, from, to }) => kind.endsWith(": schedules") && from <= t && t <= to + BACK_MS,
    );
  }

  /** Whether data were lost between two moments. */
  lostData(from: number, to: number): boolean {
    return this.#faults.some(
      (fault) => fault.lossMs !== undefined && fault.to >= from && fault.from <= to,
    );
  }

  /** Whether a process had to lose its leases between two moments. */
  lostLease(process: string, from: number, to: number): boolean {
    const { leaseMs } = this.rules;
    // The controller carries the bytes of all.
    const own = this.#halts.filter(({ process: one }) => one === process || one === CONTROLLER);
    return covered(own, from - leaseMs, to) >= LEASE_SHARE * leaseMs;
  }

  /**
   * How long the store, or one of `processes`, was in trouble between two moments, with the time
   * that follows: one lease of grace, and what a scheduler may need to be back.
   */
  troubleMs(from: number, to: number, processes: readonly string[] = []): number {
    const tail = this.rules.leaseMs + BACK_MS;
    const spans = this.#faults
      .filter((fault) => fault.processes?.every((one) => !processes.includes(one)) !== true)
      .map((fault) => ({ from: fault.from, to: fault.to + tail }));
    const lonely = this.#lonely.map((span) => ({ from: span.from, to: span.to + tail }));
    const waits = [...this.history.of("lag"), ...this.history.of("stall")];
    return covered([...spans, ...lonely, ...waits], from, to);
  }

  /** How long a process, or the controller between it and the store, or the store did not run. */
  lagMs(process: string, from: number, to: number): number {
    const lags = this.history.of("lag").filter(({ by }) => by === process || by === CONTROLLER);
    return covered([...lags, ...this.history.of("stall")], from, to);
  }

  /** Whether the store's clock had been beyond an instant before some moment. */
  wasBeyond(at: number, before: number): boolean {
    return this.history.of("clock").some(({ t, storeMs }) => t < before - 500 && storeMs >= at);
  }

  jumped(from: number, to: number): boolean {
    return this.#faults.some(
      (fault) => (fault.jumpMs ?? 0) !== 0 && fault.from - 50 <= to && from <= fault.to + 50,
    );
  }

  /** Whether a worker ended between two moments. */
  someEnded(from: number, to: number): boolean {
    const ends = [...this.history.of("exit"), ...this.history.of("term")];
    return ends.some(({ t }) => from <= t && t <= to);
  }

  /** How often each kind of fault hit, those included that jobs brought about. */
  faultCounts(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { kind } of this.#faults) counts[kind] = (counts[kind] ?? 0) + 1;
    const killed = new Set(
      this.#faults.flatMap(({ kind, processes = [] }) =>
        /kill|power/.test(kind) ? processes : [],
      ),
    );
    const deaths = this.history.of("exit").filter(({ signal }) => signal === "SIGKILL");
    const byJobs = deaths.filter(({ process }) => !killed.has(process)).length;
    const blocks = this.#blocks().length;
    if (byJobs > 0) counts["killed by its job"] = byJobs;
    if (blocks > 0) counts["event loop blocked"] = blocks;
    return counts;
  }

  /** When processes stood still or were cut off, by the controller or by their own handlers. */
  #haltsOf(): { process: string; from: number; to: number }[] {
    const byOthers = this.#faults.flatMap(({ kind, from, to, processes = [] }) => {
      // Bytes of a connection are lost: it is good for nothing until it has been replaced.
      const tail = kind.startsWith("net ") ? BACK_MS : 0;
      return processes.map((process) => ({ process, from, to: to + tail }));
    });
    const lags = this.history.of("lag").map(({ by, from, to }) => ({ process: by, from, to }));
    return [...byOthers, ...this.#blocks(), ...lags];
  }

  /** When handlers held up the event loop of their process. */
  #blocks(): { process: string; from: number; to: number }[] {
    return this.runs
      .filter(({ start }) => {
        const plan = this.told.get(start.name ?? "")?.push.plan ?? [];
        return plan[Math.min(start.attempt, plan.length) - 1] === "block";
      })
      .map(({ start, until }) => ({ process: start.by, from: start.t, to: until }));
  }
}

/** How much of a span is covered by others, which may overlap. */
export function covered(
  spans: readonly { from: number; to: number }[],
  from: number,
  to: number,
): number {
  const cut = spans
    .map((span) => ({ from: Math.max(from, span.from), to: Math.min(to, span.to) }))
    .filter((span) => span.from < span.to)
    .sort((a, b) => a.from - b.from);
  let sum = 0;
  let reached = from;
  for (const span of cut) {
    if (span.to <= reached) continue;
    sum += span.to - Math.max(reached, span.from);
    reached = span.to;
  }
  return sum;
}

function add<T>(map: Map<string, T[]>, key: string, item: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [item]);
  else list.push(item);
}

/** Between the death of the last worker and the start of the next. */
function lonelyOf(history: History): { from: number; to: number }[] {
  const lives = history.of("up").map(({ t, by }) => ({ from: t, to: history.endOf(by) }));
  return lives.flatMap(({ to }) => {
    if (lives.some((other) => other.from <= to && to < other.to)) return [];
    const next = lives.map(({ from }) => from).filter((from) => from > to);
    return next.length === 0 ? [] : [{ from: to, to: Math.min(...next) }];
  });
}

const idOf = ({ by, taskId, jobId, fence, attempt }: Start | End) =>
  `${by} ${taskId} ${jobId} ${fence} ${attempt}`;

function runsOf(history: History): Run[] {
  const ends = new Map(history.of("end").map((end) => [idOf(end), end]));
  return history.of("start").map((start) => {
    const end = ends.get(idOf(start)) ?? null;
    return { start, end, until: end?.t ?? history.endOf(start.by) };
  });
}

function toldOf(history: History, runs: readonly Run[]): Map<string, Told> {
  const told = new Map<string, Told>();
  for (const push of history.of("push")) {
    // The first one: what is pushed again has the same id and content.
    if (!told.has(push.name)) told.set(push.name, { push, answers: [], okAt: null, runs: [] });
  }
  for (const answer of history.of("pushed")) {
    const one = told.get(answer.name);
    one?.answers.push(answer);
    if (one !== undefined && answer.outcome === "ok") one.okAt ??= answer.t;
  }
  for (const run of runs) told.get(run.start.name ?? "")?.runs.push(run);
  return told;
}
