/**
 * What people ask for beside pauses and triggers, drawn before a world begins: schedules that are
 * made, changed and removed while it goes on, past spans that are filled in, looks at all of it.
 */
import { JOB_STATES, type JobState } from "../../src/core/job.js";
import type { RegisterOptions } from "../../src/types.js";
import type { Dice } from "./dice.js";
import type { Act, SchedulePlan, TaskPlan } from "./plan.js";
import { drawJobActs, drawLimits, drawTiming } from "./rules.js";

/** A schedule that no program registers. */
export interface RuntimePlan {
  scheduleId: string;
  taskId: string;
  overlap: NonNullable<RegisterOptions["overlap"]>;
  acts: Act[];
}

export const READS = ["counts", "list", "get", "schedules", "schedule", "ledger"] as const;

export type RuntimeWish = { at: number } & (
  | { kind: "upsert"; scheduleId: string; taskId: string; rule: RegisterOptions }
  | { kind: "remove"; scheduleId: string }
  /** Of what was between `spanMs` before `agoMs` ago, and then. */
  | { kind: "backfill"; scheduleId: string; agoMs: number; spanMs: number }
  | { kind: "read"; what: (typeof READS)[number]; taskId: string; state: JobState; nth: number }
);

interface RuntimeWorld {
  lastsMs: number;
  tasks: readonly TaskPlan[];
  schedules: readonly SchedulePlan[];
}

const OVERLAPS = ["allow", "allow", "skip", "bufferOne", "bufferAll", "cancelOther"] as const;

export function drawRuntime(
  dice: Dice,
  world: RuntimeWorld,
): { runtime: RuntimePlan[]; wishes: RuntimeWish[] } {
  const { lastsMs, tasks, schedules } = world;
  const wishes: RuntimeWish[] = [];
  const runtime = ["r1", "r2"].slice(0, dice.pick([0, 0, 1, 1, 2])).map((scheduleId) => {
    const { taskId } = dice.pick(tasks);
    const plan = { scheduleId, taskId, overlap: dice.pick(OVERLAPS), acts: drawJobActs(dice) };
    wishes.push(...drawLife(dice, plan, lastsMs));
    return plan;
  });
  const ids = [
    ...schedules.map(({ versions }) => versions[0]?.scheduleId ?? ""),
    ...idsOf(runtime),
  ];
  for (const scheduleId of ids) {
    for (let n = 0; n < 2 && dice.says(0.4); n += 1) {
      const at = dice.whole(Math.floor(lastsMs / 3), lastsMs);
      const [agoMs, spanMs] = [dice.whole(0, 3_000), dice.whole(0, 6_000)];
      wishes.push({ at, kind: "backfill", scheduleId, agoMs, spanMs });
    }
  }
  for (let n = dice.whole(0, 4); n > 0; n -= 1) {
    const { taskId } = dice.pick(tasks);
    const drawn = { what: dice.pick(READS), state: dice.pick(JOB_STATES), nth: dice.whole(0, 99) };
    wishes.push({ at: dice.whole(0, lastsMs), kind: "read", taskId, ...drawn });
  }
  return { runtime, wishes };
}

/** Made, then changed, removed and made again, as often as it comes. */
function drawLife(dice: Dice, plan: RuntimePlan, lastsMs: number): RuntimeWish[] {
  const { scheduleId, taskId, overlap } = plan;
  const wishes: RuntimeWish[] = [];
  let at = dice.whole(0, lastsMs / 2);
  do {
    const rule = {
      ...{ scheduleId, overlap, misfire: dice.pick(["skip", "once", "all"] as const) },
      ...{ misfireAfter: dice.pick([3_000, 60_000]), ...drawTiming(dice) },
      ...drawLimits(dice, { lastsMs }, false),
      ...(dice.says(0.5) ? { retry: true, retryTimeout: 300 } : {}),
    } as RegisterOptions;
    wishes.push({ at, kind: "upsert", scheduleId, taskId, rule });
    if (dice.says(0.15)) wishes.push({ at: at + 1, kind: "upsert", scheduleId, taskId, rule });
    at += dice.whole(300, 5_000);
    if (!dice.says(0.4)) continue;
    wishes.push({ at, kind: "remove", scheduleId });
    at += dice.whole(50, 3_000);
  } while (dice.says(0.6));
  return wishes;
}

function idsOf(runtime: readonly RuntimePlan[]): string[] {
  return runtime.map(({ scheduleId }) => scheduleId);
}
