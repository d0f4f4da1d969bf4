/** Decides due schedules: plans by the stored rule, fires, tells what became of it. */
import { SchedulerError } from "../core/errors.js";
import type { Emitter } from "../core/events.js";
import type { KeepRules } from "../core/keep.js";
import {
  decodeRule,
  type FirePlan,
  nextOccurrence,
  planFire,
  type ScheduleRule,
} from "../core/schedule.js";
import type { DueSchedule, Fire, FireAnswer, Store } from "../store/contract.js";
import { tellFired } from "./fired.js";
import type { Known } from "./known.js";
import { judgeOrphan } from "./orphans.js";
import type { Presence } from "./presence.js";

export interface FireParts {
  store: Store;
  emitter: Emitter;
  keep: KeepRules;
  known: Known;
  presence: Pick<Presence, "canJudge">;
  /** The function of a schedule's rule; null: it needs none; undefined: it is not here. */
  excludesOf: (
    due: DueSchedule,
    rule: ScheduleRule,
  ) => ((at: number) => boolean) | null | undefined;
  /** A job of this task is ready. */
  offer: (taskId: string) => void;
}

/** One call fires so many: with a job each that is a script of about 2 ms. */
const MOST_PER_CALL = 25;

interface Planned {
  due: DueSchedule;
  plan: FirePlan;
}

export class Firing {
  readonly #parts: FireParts;
  /** Definitions that this version or this scheduler can do nothing about, by schedule id. */
  readonly #ignored = new Map<string, string>();

  constructor(parts: FireParts) {
    this.#parts = parts;
  }

  /** Those that this scheduler can do something about. */
  usable(schedules: readonly DueSchedule[]): DueSchedule[] {
    return schedules.filter((due) => this.#ignored.get(due.scheduleId) !== due.definition);
  }

  /**
   * Decides all of `due`, the tasks side by side; rejects with the first failure. False: there was
   * nothing that could be done about them.
   */
  async decide(schedules: readonly DueSchedule[], now: number): Promise<boolean> {
    const planned = new Map<string, Planned[]>();
    for (const due of schedules) {
      const plan = await this.#plan(due, now);
      if (plan === null) continue;
      const ofTask = planned.get(due.taskId) ?? [];
      planned.set(due.taskId, [...ofTask, { due, plan }]);
    }
    const fires = [...planned].map(([taskId, some]) => this.#fireAll(taskId, some));
    for (const result of await Promise.allSettled(fires)) {
      if (result.status === "rejected") throw result.reason;
    }
    return planned.size > 0;
  }

  async #fireAll(taskId: string, planned: readonly Planned[]): Promise<void> {
    const { store, keep } = this.#parts;
    for (let from = 0; from < planned.length; from += MOST_PER_CALL) {
      const some = planned.slice(from, from + MOST_PER_CALL);
      const answers = await store.fire({ taskId, fires: some.map(fireOf), keep });
      some.forEach((one, k) => void this.#fired(one, answers[k] ?? null));
    }
  }

  #fired({ due, plan }: Planned, answer: FireAnswer): void {
    const { known, emitter, offer } = this.#parts;
    if (answer === null) return; // somebody else was faster, and knows
    known.noteDecided(due, { decidedAt: decidedBy(due, plan), nextAt: plan.nextAt });
    if (tellFired(emitter, { due, plan, outcomes: answer.outcomes })) offer(due.taskId);
  }

  /** null: there is nothing to fire, or not by this scheduler. */
  async #plan(due: DueSchedule, now: number): Promise<FirePlan | null> {
    const rule = this.#ruleOf(due);
    if (rule === null) return null;
    if (await judgeOrphan(this.#parts, { due, rule, now })) return null;
    const excludes = this.#parts.excludesOf(due, rule);
    if (excludes === undefined) {
      this.#ignored.set(due.scheduleId, due.definition);
      return null;
    }
    return planOf(due, { rule, now, excludes });
  }

  /** null: the rule makes no sense to this version; told once, then left to others. */
  #ruleOf(due: DueSchedule): ScheduleRule | null {
    const { scheduleId, taskId, definition } = due;
    try {
      const rule = decodeRule(definition);
      planFire(rule, { scheduleId, cursorAt: 0, now: -1 });
      return rule;
    } catch (cause) {
      this.#ignored.set(scheduleId, definition);
      const message = `schedule "${scheduleId}" of task "${taskId}" cannot be read`;
      const fix = "a newer version of the library may have written it: update this one";
      this.#parts.emitter.emit(
        "error",
        new SchedulerError("STORE_DAMAGED", message, { fix, cause }),
      );
      return null;
    }
  }
}

/** What becomes of a schedule that is due, or whose cursor is lost. */
export function planOf(
  due: DueSchedule,
  at: { rule: ScheduleRule; now: number; excludes: ((at: number) => boolean) | null },
): FirePlan {
  const { rule, now, excludes } = at;
  const { scheduleId, firedCount, paused } = due;
  const cursorAt = cursorOf(due, rule);
  if (cursorAt === null && due.nextAt !== null) return { decisions: [], nextAt: null };
  // Of a pause that goes on: all that is due so far is skipped by it.
  const pausedUntil = paused === null ? null : Math.min(paused.until ?? now + 1, now + 1);
  return planFire(rule, {
    scheduleId,
    cursorAt: cursorAt ?? now + 1,
    now,
    firedCount,
    pausedUntil,
    pausedBy: paused?.orphaned === true ? "orphaned" : "paused",
    excludes,
  });
}

/** All that is due is given up: nobody alive has the function that could tell what fires. */
export function unattendedPlanOf(
  due: DueSchedule,
  at: { rule: ScheduleRule; now: number },
): FirePlan {
  const { scheduleId, nextAt, firedCount } = due;
  const { rule, now } = at;
  return planFire(rule, {
    scheduleId,
    cursorAt: nextAt ?? now + 1,
    now,
    firedCount,
    pausedUntil: now + 1,
    pausedBy: "unattended",
  });
}

/** A cursor is behind what is decided where that was by a definition that the store has lost. */
function cursorOf({ nextAt, decidedAt }: DueSchedule, rule: ScheduleRule): number | null {
  const isBehind = nextAt !== null && nextAt <= decidedAt;
  return isBehind ? nextOccurrence(rule, decidedAt) : nextAt;
}

export function fireOf({ due, plan }: Planned): Fire {
  const { scheduleId, revision, nextAt: seenAt } = due;
  return { scheduleId, revision, seenAt, nextAt: plan.nextAt, decisions: plan.decisions };
}

function decidedBy(due: DueSchedule, plan: FirePlan): number {
  const instants = plan.decisions.map((each) =>
    each.kind === "fire" ? each.scheduledFor : each.to,
  );
  return Math.max(due.decidedAt, due.nextAt ?? 0, ...instants);
}
