/** One scheduler of the real code in a process of its own, with handlers that do as planned. */
import { createSchedulerWith } from "../../src/create.js";
import type { HandlerContext, Scheduler } from "../../src/types.js";
import type { Dice } from "./dice.js";
import type { History, Run } from "./history.js";
import { Link } from "./link.js";
import type { Machine } from "./machine.js";
import type { Network } from "./network.js";
import type { Act, Plan } from "./plan.js";
import type { Server } from "./server.js";
import type { Timeline } from "./timeline.js";

export interface MemberParts {
  plan: Plan;
  timeline: Timeline;
  server: Server;
  network: Network;
  history: History;
  machine: Machine;
  dice: Dice;
  /** Which version of the program it runs; null: it only pushes. */
  version: number | null;
  /** What the attempts of a key do; null: faults are over, and all goes well. */
  actOf: (key: string, attempt: number) => Act | null;
  /** When the server gave out this fence. */
  claimedAt: (fence: number) => number | null;
  /** A handler kills its process. */
  kills: (member: Member) => void;
  /** Its start was refused. */
  gaveUp: (member: Member) => void;
}

/** After what was promised for `stopTimeout`: last words, last steps, pushes, closing. */
const STOP_SLACK_MS = 15_000;

export class Member {
  readonly machine: Machine;
  readonly link: Link;
  readonly scheduler: Scheduler;
  readonly version: number | null;
  /** Handlers that have not ended. */
  readonly running = new Set<Run>();
  /** Occurrences that it fired and heard to have fired. */
  readonly knows = new Set<string>();
  /** When something last stood between it and the server, or it stood still. */
  disturbedAt = 0;
  /** When the server last carried out a look of it. */
  lookedAt: number | null = null;
  isStopping = false;
  readonly #parts: MemberParts;
  readonly #releases = new Set<() => void>();

  constructor(parts: MemberParts) {
    const { plan, timeline, server, network, machine, dice, version } = parts;
    this.#parts = parts;
    this.machine = machine;
    this.version = version;
    const identity = dice.identity();
    this.link = new Link({ timeline, machine, server, network, dice, identity });
    this.scheduler = createSchedulerWith({
      options: {
        ...{ store: "memory", logger: false, lease: plan.leaseMs, pollInterval: plan.pollMs },
        ...{ stopTimeout: plan.stopMs, pushTimeout: 2_000 },
        ...(plan.keepsCompleted ? { retention: { completed: { count: 1_000 } } } : {}),
      },
      store: this.link.store(),
      instanceId: identity,
      clock: machine.clock,
      chance: dice,
    });
    this.scheduler.on("error", (error) => this.#heard(error));
    this.scheduler.on("schedule:fired", ({ scheduleId, scheduledFor }) => {
      this.knows.add(`${scheduleId}@${scheduledFor}`);
    });
    this.scheduler.on("store:back", () => this.disturbed());
    this.scheduler.on("store:lost", () => this.disturbed());
    if (version !== null) this.#define(version);
  }

  start(): void {
    this.scheduler.start().catch(() => this.#parts.gaveUp(this));
  }

  /** Resolves when it has stopped, and notes how long that took. */
  async stop(): Promise<void> {
    const { history, timeline, plan } = this.#parts;
    this.isStopping = true;
    const withinMs = plan.stopMs + STOP_SLACK_MS;
    const { name: machine } = this.machine;
    const stop = { machine, calledAt: timeline.now, resolvedAt: null as number | null, withinMs };
    history.stops.push(stop);
    await this.scheduler.stop();
    stop.resolvedAt = timeline.now;
  }

  /** Something stands in its way, for so long. */
  disturbed(forMs = 0): void {
    this.disturbedAt = Math.max(this.disturbedAt, this.#parts.timeline.now + forMs);
  }

  /** Handlers that would never end do so. */
  release(): void {
    for (const release of [...this.#releases]) release();
  }

  #define(version: number): void {
    const { plan } = this.#parts;
    for (const { taskId, concurrency, timeoutMs } of plan.tasks) {
      const options = { concurrency, ...(timeoutMs === null ? {} : { timeout: timeoutMs }) };
      this.scheduler.bind(taskId, (data, context) => this.#handle(data, context), options);
    }
    for (const { taskId, versions } of plan.schedules) {
      const rule = versions[Math.min(version, versions.length - 1)];
      if (rule !== undefined) this.scheduler.register(taskId, rule);
    }
  }

  async #handle(data: unknown, context: HandlerContext): Promise<unknown> {
    const { timeline, actOf } = this.#parts;
    const run = this.#began(data, context);
    const act = actOf(run.key, context.attempt) ?? { kind: "returns", ms: 1 };
    context.signal.addEventListener("abort", () => {
      run.abortedAt = timeline.now;
    });
    try {
      const value = await this.#act(act, context.signal);
      run.end = value === false ? "false" : "returned";
      return value;
    } catch (error) {
      run.end = "thrown";
      throw error;
    } finally {
      run.endedAt = timeline.now;
      this.running.delete(run);
    }
  }

  #began(data: unknown, context: HandlerContext): Run {
    const { timeline, server, history, claimedAt } = this.#parts;
    const { scheduleId, scheduledFor, fence, attempt, jobId } = context;
    const own = data as { key?: string } | undefined;
    const name = scheduleId === undefined ? String(own?.key) : `${scheduleId}@${scheduledFor}`;
    const isOneOfMany = history.triggered.has(name) || history.removed.has(scheduleId ?? "");
    const key = isOneOfMany ? `${name} ${jobId}` : name;
    const run: Run = {
      ...{ key, jobId, fence, attempt, machine: this.machine.name, claimedAt: claimedAt(fence) },
      ...{ startedAt: timeline.now, storeAt: server.clock.nowExact(), endedAt: null, end: null },
      ...{ abortedAt: null, payload: data === undefined ? "" : JSON.stringify(data) },
    };
    history.runs.push(run);
    this.running.add(run);
    return run;
  }

  async #act(act: Act, signal: AbortSignal): Promise<boolean | number> {
    switch (act.kind) {
      case "hangs":
        await this.#hangs(act.heeds ? signal : null);
        return true;
      case "kills":
        await this.#wait(act.ms);
        this.#parts.kills(this);
        return await new Promise<never>(() => {});
      default:
        await this.#wait(act.ms);
        if (act.kind === "throws") throw new Error("as planned");
        return act.kind === "false" ? false : 1;
    }
  }

  /** Not by the scheduler's clock: its timers are counted. */
  #wait(ms: number): Promise<void> {
    const { timeline } = this.#parts;
    if (ms === 0) return Promise.resolve();
    return new Promise((resolve) => void this.machine.arrives(timeline.now + ms, resolve));
  }

  #hangs(signal: AbortSignal | null): Promise<void> {
    return new Promise((resolve) => {
      const release = (): void => {
        this.#releases.delete(release);
        resolve();
      };
      this.#releases.add(release);
      signal?.addEventListener("abort", release);
    });
  }

  #heard(error: Error): void {
    const { history, timeline } = this.#parts;
    if (error.name === "SchedulerError") return;
    history.shocks.push(`${this.machine.name} at ${timeline.now}: ${error.stack}`);
  }
}
