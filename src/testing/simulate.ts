/**
 * What the schedules of a scheduler do over a long time, computed: the same plans and policies as
 * in production, on a clock that jumps from one occurrence to the next. Nothing runs, nothing is
 * stored.
 */
import type { CheckedRegister } from "../core/options.js";
import { overlapStep } from "../core/schedule/overlap.js";
import {
  isExcluded,
  jitterOf,
  nextOccurrence,
  type Outcome,
  occurrencesBetween,
  outcomeOf,
  type PassReason,
  planFire,
  type ScheduleRule,
} from "../core/schedule.js";
import { registeredOf } from "../create.js";
import type { Scheduler } from "../types.js";

/** What is simulated. */
export interface SimulateOptions {
  /** The first instant: a Date or epoch ms. */
  from: Date | number;
  /** The end: nothing happens at or after it. */
  to: Date | number;
  /** Times at which no scheduler is alive. */
  down?: readonly { from: Date | number; to: Date | number }[];
  /** How long the jobs of a schedule take, with waiting and retries, ms. @defaultValue 0 */
  takes?: number | ((job: { scheduleId: string; taskId: string; scheduledFor: number }) => number);
}

/** One occurrence, or a row of neighbours that came to nothing for the same reason. */
export interface Simulated {
  /** When it was decided; for a fired one, when it became a job. Epoch ms. */
  at: number;
  scheduleId: string;
  taskId: string;
  outcome: Outcome;
  /** Why it did not fire; null: it did. */
  reason: PassReason | null;
  /** The instant; of a row, the first one. */
  scheduledFor: number;
  lastAt: number;
  count: number;
  /** Of a fired one: how many given up ones it stands for. */
  missedCount: number;
}

/** The timeline of all that the scheduler has registered, in the order of what happens. */
export function simulate(scheduler: Scheduler, options: SimulateOptions): Simulated[] {
  const world: World = {
    from: Number(options.from),
    to: Number(options.to),
    down: (options.down ?? [])
      .map(({ from, to }) => ({ from: Number(from), to: Number(to) }))
      .sort((a, b) => a.from - b.from),
    takes: options.takes ?? 0,
  };
  const timeline = registeredOf(scheduler).flatMap((schedule) => new Life(schedule, world).live());
  // A schedule's own entries are in order; sorting keeps that.
  return timeline.sort((a, b) => a.at - b.at);
}

interface World {
  from: number;
  to: number;
  down: { from: number; to: number }[];
  takes: NonNullable<SimulateOptions["takes"]>;
}

interface Fires {
  scheduledFor: number;
  isCatchup: boolean;
  missedCount: number;
}

class Life {
  readonly #world: World;
  readonly #schedule: CheckedRegister;
  readonly #rule: ScheduleRule;
  readonly #jitterMs: number;
  readonly #timeline: Simulated[] = [];
  #firedCount = 0;
  /** When the open job ends. */
  #openUntil: number = Number.NEGATIVE_INFINITY;
  #buffer: Fires[] = [];

  constructor(schedule: CheckedRegister, world: World) {
    this.#world = world;
    this.#schedule = schedule;
    this.#rule = schedule.definition;
    this.#jitterMs = jitterOf(schedule.scheduleId, schedule.definition);
  }

  live(): Simulated[] {
    let cursorAt = nextOccurrence(this.#rule, this.#world.from - 1);
    while (cursorAt !== null && cursorAt + this.#jitterMs < this.#world.to) {
      const dueAt = cursorAt + this.#jitterMs;
      const outage = this.#world.down.find(({ from, to }) => from <= dueAt && dueAt < to);
      cursorAt = outage === undefined ? this.#up(cursorAt) : this.#after(cursorAt, outage.to);
    }
    this.#release(this.#world.to - 1);
    return this.#timeline;
  }

  /** Everybody is there until the next outage: each occurrence is decided when it is due. */
  #up(cursorAt: number): number | null {
    const { to, down } = this.#world;
    const end = Math.min(to, down.find(({ from }) => from > cursorAt + this.#jitterMs)?.from ?? to);
    const last = end - this.#jitterMs;
    for (const at of occurrencesBetween(this.#rule, cursorAt, last)) {
      const { limit } = this.#rule;
      if (limit !== undefined && this.#firedCount >= limit) return null;
      const now = at + this.#jitterMs;
      if (isExcluded(this.#rule, at) || this.#schedule.excludes?.(at) === true) {
        this.#pass(now, { reason: "excluded", from: at, to: at, count: 1 });
      } else {
        this.#fire(now, { scheduledFor: at, isCatchup: false, missedCount: 0 });
      }
    }
    return nextOccurrence(this.#rule, last - 1);
  }

  /** The first one is back at `now`, and plans. */
  #after(cursorAt: number, now: number): number | null {
    if (now >= this.#world.to) return null;
    const { scheduleId, excludes } = this.#schedule;
    const firedCount = this.#firedCount;
    const plan = planFire(this.#rule, { scheduleId, cursorAt, now, firedCount, excludes });
    for (const decision of plan.decisions) {
      if (decision.kind === "fire") this.#fire(now, decision);
      else this.#pass(now, decision);
    }
    // A plan that was cut short goes on at the same moment.
    const { nextAt } = plan;
    return nextAt !== null && nextAt + this.#jitterMs <= now ? this.#after(nextAt, now) : nextAt;
  }

  #fire(now: number, fires: Fires): void {
    this.#release(now);
    const open = this.#openUntil > now ? 1 : 0;
    const step = overlapStep(this.#rule.overlap, { open, buffered: this.#buffer.length });
    const { scheduledFor } = fires;
    if (step.kind === "skip") {
      this.#pass(now, { reason: step.reason, from: scheduledFor, to: scheduledFor, count: 1 });
      return;
    }
    this.#firedCount += 1;
    if (step.kind === "buffer") this.#buffer.push(fires);
    // A handler that is cancelled is taken to end at once.
    else this.#start(now, fires);
  }

  /** What waits becomes a job when the one before it has ended. */
  #release(until: number): void {
    while (this.#buffer.length > 0 && this.#openUntil <= until) {
      this.#start(this.#openUntil, this.#buffer.shift()!);
    }
  }

  #start(at: number, { scheduledFor, isCatchup, missedCount }: Fires): void {
    const { scheduleId, taskId } = this.#schedule;
    const { takes } = this.#world;
    const job = { scheduleId, taskId, scheduledFor };
    this.#openUntil = at + (typeof takes === "number" ? takes : takes(job));
    const outcome: Outcome = isCatchup ? "caughtUp" : "fired";
    const one = { reason: null, lastAt: scheduledFor, count: 1, missedCount };
    this.#timeline.push({ at, ...job, outcome, ...one });
  }

  #pass(
    at: number,
    { reason, from, to, count }: { reason: PassReason; from: number; to: number; count: number },
  ): void {
    const { scheduleId, taskId } = this.#schedule;
    const last = this.#timeline.at(-1);
    if (last?.reason === reason && last.lastAt < from) {
      last.lastAt = to;
      last.count += count;
      return;
    }
    const row = { scheduledFor: from, lastAt: to, count, missedCount: 0 };
    this.#timeline.push({ at, scheduleId, taskId, outcome: outcomeOf(reason), reason, ...row });
  }
}
