/**
 * A pusher and a worker on each side of a cut, what they did, and whether a promise was broken that
 * holds outside of the durability window: what the old primary was told from shortly before the cut
 * until it has become a replica.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createScheduler, type JobInfo, type RedisConfig } from "../../src/index.js";
import type { Host } from "../support/islands.js";
import { until } from "../support/until.js";

const PROGRAM = join(import.meta.dirname, "programs/islander.mjs");
/** What was acknowledged this long before the cut may not have been replicated. */
const LAG_MS = 1_000;
const ON_ITS_WAY_MS = 100;

export type Side = "minority" | "majority";

export interface Push {
  id: string;
  taskId: string;
  /** Not due as long as the test takes. */
  isLater: boolean;
  isOnce: boolean;
  sentAt: number;
  /** When it was answered. */
  at: number;
}

export interface Begun {
  id: string;
  taskId: string;
  at: number;
}

interface Line extends Push {
  kind: "up" | "pushed" | "refused" | "began" | "fired" | "over";
  scheduledFor: number;
  code: string;
}

export interface IslanderConfig {
  redisConfig: RedisConfig;
  tasks: readonly string[];
  /** Jobs without retry that wait, since one runs after the other; null: none. */
  backlog: { taskId: string; jobs: number } | null;
}

/** Epoch ms. */
export interface Moments {
  cutAt: number;
  /** When the old primary had become a replica. */
  joinedAt: number;
  /** Whether a task lives in what the old primary had. */
  wasThere: (taskId: string) => boolean;
}

export class Islander {
  readonly side: Side;
  readonly pushed: Push[] = [];
  readonly refused: (Push & { code: string })[] = [];
  readonly began: Begun[] = [];
  readonly fired: (Begun & { scheduledFor: number })[] = [];
  readonly #child;
  #isUp = false;
  #said = "";

  constructor(side: Side, host: Host, config: IslanderConfig) {
    this.side = side;
    const orders = JSON.stringify({ side, ...config });
    const [program = "", ...words] = [...host.within, process.execPath, PROGRAM, orders];
    this.#child = spawn(program, words, { stdio: ["pipe", "pipe", "pipe"] });
    this.#child.stderr.on("data", (piece: Buffer) => {
      this.#said += piece.toString();
    });
    createInterface({ input: this.#child.stdout }).on("line", (text) => {
      const line = JSON.parse(text) as Line;
      if (line.kind === "up") this.#isUp = true;
      else if (line.kind === "pushed") this.pushed.push(line);
      else if (line.kind === "refused") this.refused.push(line);
      else if (line.kind === "began") this.began.push(line);
      else if (line.kind === "fired") this.fired.push(line);
    });
  }

  /** Resolves when jobs of all these tasks, pushed by this side after `at`, have run. */
  async works(tasks: readonly string[], at: number, withinMs: number): Promise<void> {
    const late = () => {
      const ours = this.pushed.filter((push) => push.sentAt > at && !push.isLater);
      const stored = new Set(ours.map(({ taskId }) => taskId));
      const ran = new Set(this.began.filter((one) => one.at > at).map(({ taskId }) => taskId));
      return tasks.filter((task) => !stored.has(task) || !ran.has(task));
    };
    const what = `the ${this.side} to push to all tasks, and to run them`;
    await until(what, () => this.#isUp && late().length === 0, withinMs).catch((error) => {
      throw new Error(`${(error as Error).message}: ${late().join(", ")}; ${this.#said}`);
    });
  }

  /** Pushes no more; resolves when it has ended. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, "exit");
    this.#child.stdin.end();
    await exit;
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exit;
  }
}

/** What the store says of a job that nobody has begun; null: nothing. */
type Found = Pick<JobInfo, "state" | "reason"> | null;

interface Drained {
  /** What somebody else has begun at the end. */
  more: readonly Begun[];
  /** Those that nobody has begun even so, by id. */
  left: ReadonlyMap<string, Found>;
}

/**
 * Whoever had claimed it was cut off before the answer came: it may run once at most, so nobody
 * runs it again.
 */
function wasInterrupted(push: Push, found: Found, { cutAt, wasThere }: Moments): boolean {
  const wasClaimed = found?.state === "dead" && found.reason === "interrupted";
  return push.isOnce && wasClaimed && wasThere(push.taskId) && push.at <= cutAt + ON_ITS_WAY_MS;
}

/** Each broken promise in words. */
export function broken(
  sides: readonly Islander[],
  { moments, more, left }: Drained & { moments: Moments },
): string[] {
  const pushed = sides.flatMap((one) => one.pushed);
  const refused = sides.flatMap((one) => one.refused);
  const jobs = new Map([...pushed, ...refused].map((push) => [push.id, push]));
  const begun = times([...sides.flatMap((one) => one.began), ...more]);
  const fired = times(
    sides.flatMap((one) => one.fired.map((row) => ({ ...row, at: row.scheduledFor }))),
  );
  const { cutAt, joinedAt, wasThere } = moments;
  // Both histories have run it, or let it fire.
  const isExcused = (taskId: string, at: readonly number[]): boolean =>
    at.length === 2 && wasThere(taskId) && at[0]! >= cutAt - LAG_MS && at[0]! <= joinedAt;
  const found: string[] = [];
  for (const [id, at] of begun) {
    const job = jobs.get(id);
    if (job === undefined || !job.isOnce || at.length === 1) continue;
    if (isExcused(job.taskId, at) && job.sentAt <= cutAt) continue;
    found.push(`${id} ran at ${at.join(" and ")}`);
  }
  for (const job of pushed) {
    if (job.isLater || begun.has(job.id) || mayBeGone(job, moments)) continue;
    const there = left.get(job.id) ?? null;
    if (wasInterrupted(job, there, moments)) continue;
    const says = there === null ? "is not there" : `is ${there.state} ${there.reason ?? ""}`;
    const when = `acknowledged ${cutAt - job.at} ms before the cut`;
    found.push(`${job.id} of ${wasThere(job.taskId) ? "there" : "elsewhere"}, ${when}, ${says}`);
  }
  for (const [id, at] of fired) {
    if (at.length === 1 || isExcused(id.replace(/@\d+$/, ""), at)) continue;
    found.push(`${id} fired ${at.length} times`);
  }
  return found;
}

/** Jobs that have begun on both sides. */
export function onBoth([one, other]: readonly Islander[]): Set<string> {
  const ids = new Set(one?.began.map(({ id }) => id));
  return new Set(other?.began.flatMap(({ id }) => (ids.has(id) ? [id] : [])));
}

/** Occurrences that both sides have let fire. */
export function firedOnBoth([one, other]: readonly Islander[]): Set<string> {
  const ids = new Set(one?.fired.map(({ id }) => id));
  return new Set(other?.fired.flatMap(({ id }) => (ids.has(id) ? [id] : [])));
}

/** It was told to the old primary, which has dropped it. */
export function mayBeGone(push: Push, { cutAt, joinedAt, wasThere }: Moments): boolean {
  // To the majority the old primary has answered no more than what was on its way.
  const until = push.id.startsWith("minority") ? joinedAt : cutAt + ON_ITS_WAY_MS;
  return wasThere(push.taskId) && push.at >= cutAt - LAG_MS && push.at <= until;
}

/**
 * Runs what is left after both sides have ended, and says what it began; and which of the jobs that
 * are due much later are not in the store any more.
 */
export async function drain(
  sides: readonly Islander[],
  { redisConfig, moments }: { redisConfig: RedisConfig; moments: Moments },
): Promise<Drained & { gone: Push[] }> {
  const pushed = sides.flatMap((one) => one.pushed);
  const scheduler = createScheduler({ redisConfig, logger: false });
  const more: Begun[] = [];
  for (const taskId of new Set(pushed.map((push) => push.taskId))) {
    scheduler.bind(taskId, (_data, { jobId: id, scheduledFor }) => {
      if (scheduledFor === undefined) more.push({ id, taskId, at: Date.now() });
    });
  }
  try {
    await scheduler.start();
    const began = new Set(sides.flatMap((one) => one.began.map(({ id }) => id)));
    const left = () => {
      const ran = new Set(more.map(({ id }) => id));
      return pushed.filter((job) => !job.isLater && !began.has(job.id) && !ran.has(job.id));
    };
    const isDue = (job: Push) => !mayBeGone(job, moments);
    await until("all that is left to run", () => !left().some(isDue), 10_000).catch(() => {});
    const gone: Push[] = [];
    for (const push of pushed.filter(({ isLater }) => isLater)) {
      if ((await scheduler.jobs.get(push.taskId, push.id)) === null) gone.push(push);
    }
    const found = new Map<string, Found>();
    for (const { taskId, id } of left()) found.set(id, await scheduler.jobs.get(taskId, id));
    return { more, gone, left: found };
  } finally {
    await scheduler.stop();
  }
}

function times(rows: readonly { id: string; at: number }[]): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (const { id, at } of rows) {
    found.set(
      id,
      [...(found.get(id) ?? []), at].sort((a, b) => a - b),
    );
  }
  return found;
}
