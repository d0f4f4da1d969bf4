/** What follows from a plan, for those who watch its world. */
import type { RegisterOptions } from "../../src/types.js";
import type { Act, Plan, SchedulePlan } from "./plan.js";
import { jitterMsOf } from "./rules.js";
import type { WitnessParts } from "./witness.js";

/** The model counts in whole ms. */
export function grainOf({ backend }: Plan): number {
  return backend === "model" ? 1 : 0;
}

/** What each schedule of code is registered as, by its id. */
export function codeOf({ schedules }: Plan): Map<string, readonly RegisterOptions[]> {
  return new Map(schedules.map(({ versions }) => [versions[0]?.scheduleId ?? "", versions]));
}

/** What the handlers do, by the key of a push or the id of a schedule. */
export function actsOf({ pushes, schedules, runtime }: Plan): Map<string, Act[]> {
  const ofSchedules = schedules.map(({ versions, acts }) => [versions[0]?.scheduleId ?? "", acts]);
  return new Map([
    ...pushes.map(({ key, acts }) => [key, acts] as const),
    ...(ofSchedules as [string, Act[]][]),
    ...runtime.map(({ scheduleId, acts }) => [scheduleId, acts] as const),
  ]);
}

/**
 * By how much the occurrences of each schedule may be late, by all rules that it ever has. Not of
 * those whose function may be gone: until the registration of its last program lapses they wait.
 */
export function jittersOf({ schedules, wishes }: Plan): Map<string, number> {
  const jitters = new Map<string, number>();
  const note = (rule: RegisterOptions): void => {
    const id = rule.scheduleId ?? "";
    jitters.set(id, Math.max(jitters.get(id) ?? 0, jitterMsOf(rule)));
  };
  for (const plan of schedules) if (!mayBeUnattended(plan)) plan.versions.forEach(note);
  for (const wish of wishes) if (wish.kind === "upsert") note(wish.rule);
  return jitters;
}

/** A version has a function that the next one has not. */
export function mayBeUnattended({ versions }: SchedulePlan): boolean {
  const functions = versions.map(({ exclude }) => (typeof exclude === "function" ? exclude : null));
  return functions.some((one) => one !== functions[0] && functions.some((each) => each !== null));
}

export function witnessPartsOf(plan: Plan): WitnessParts {
  const code = codeOf(plan);
  const serial = [
    ...plan.schedules.map((it) => ({ ...it, scheduleId: it.versions[0]?.scheduleId ?? "" })),
    ...plan.runtime.map((it) => ({ ...it, isSerial: it.overlap !== "allow" })),
  ].filter(({ isSerial }) => isSerial);
  return {
    ...{ code, grainMs: grainOf(plan) },
    serial: new Set(serial.map(({ scheduleId }) => scheduleId)),
    // Where jobs wait for each other, they begin and are cancelled within other steps.
    vague: new Set(serial.map(({ taskId }) => taskId)),
  };
}
