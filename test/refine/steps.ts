/**
 * What a random sequence is made of. A step says only which of the things that are there it means
 * (`pick`); what that is, is found when its turn comes, so that shrunk sequences still make sense.
 */
import fc from "fast-check";

export const TASKS = ["t", "u"] as const;
export const IDS = ["a", "b"] as const;
export const SCHEDULES = ["s", "l"] as const;
export const SETS = ["set1", "set2"] as const;

const by = fc.nat(2);
const pick = fc.nat(20);
const task = fc.constantFrom(...TASKS);
const scheduleId = fc.constantFrom(...SCHEDULES);
const overlap = fc.constantFrom(
  ...(["allow", "skip", "bufferOne", "bufferAll", "cancelOther"] as const),
);

const retry = fc.constantFrom(
  null,
  { attempts: 0, waitMs: 10_000, backoff: "fixed" },
  { attempts: 2, waitMs: 0, backoff: "fixed" },
  { attempts: 0, waitMs: 90_000, backoff: "exponential" },
) as fc.Arbitrary<null | { attempts: number; waitMs: number; backoff: "fixed" | "exponential" }>;

const rules = fc.record({
  retry,
  priority: fc.constantFrom(0, 0, 0, -3, 5),
  timeoutMs: fc.constantFrom(null, 1_000),
});

const job = fc.record({
  task,
  id: fc.constantFrom(null, null, ...IDS),
  due: fc.constantFrom(null, null, null, 5_000, 30_000, -1_000),
  /** An instant, not a wait. */
  isAt: fc.boolean(),
  rules,
});

const outcome = fc.constantFrom(
  ...(["completed", "completed", "retry", "again", "invalid", "dead", "interrupted"] as const),
  ...(["rejected", "handBack"] as const),
);

const push = fc.record({
  op: fc.constant("push" as const),
  by,
  jobs: fc.array(job, { minLength: 1, maxLength: 3 }),
});

/** An id that is known, or was. */
const pushAgain = fc.record({ op: fc.constant("pushAgain" as const), by, pick });

const claim = fc.record({
  op: fc.constant("claim" as const),
  by,
  tasks: fc.constantFrom(["t"], ["u"], ["t", "u"], ["u", "t"]),
  limit: fc.integer({ min: 1, max: 4 }),
  idle: fc.boolean(),
});

/** `how`: as claimed; once more, or long after; or under a lease that is another's. */
const settle = fc.record({
  op: fc.constant("settle" as const),
  by,
  ends: fc.array(
    fc.record({ pick, outcome, how: fc.constantFrom("own", "own", "stale", "foreign") }),
    { minLength: 1, maxLength: 3 },
  ),
});

const renew = fc.record({ op: fc.constant("renew" as const), by, pick, progress: fc.boolean() });

/** Whatever a look says is expired; or, `isEager`, a lease that may still stand. */
const reap = fc.record({
  op: fc.constant("reap" as const),
  by,
  pick,
  isEager: fc.boolean(),
  random: fc.constantFrom(0, 0.25, 0.5),
});

const wait = fc.record({
  op: fc.constant("wait" as const),
  ms: fc.constantFrom(1, 500, 5_000, 15_000, 61_000, 130_000, 130_000),
});

/** Time passes while somebody looks, so that nothing is taken for an outage. */
const pass = fc.record({
  op: fc.constant("pass" as const),
  ms: fc.constantFrom(15_000, 61_000, 130_000),
});

/** A killer: whoever claims it dies, so often that it has to run alone at last. */
const crash = fc.record({
  op: fc.constant("crash" as const),
  by,
  task,
  limit: fc.constantFrom(1, 4),
  times: fc.constantFrom(1, 3),
});

const back = fc.record({ op: fc.constant("back" as const), ms: fc.constantFrom(1_000, 120_000) });

const ofJob = fc.record({
  op: fc.constantFrom(...(["get", "cancel", "cancel", "redrive", "redrive"] as const)),
  by,
  task,
  pick,
});

const prune = fc.record({ op: fc.constant("prune" as const), by });

const register = fc.record({
  op: fc.constant("register" as const),
  by,
  scheduleId,
  task: fc.constantFrom("t", "t", "t", "u"),
  set: fc.constantFrom(null, ...SETS),
  overlap,
  variant: fc.nat(1),
  inMs: fc.constantFrom(1_000, 10_000, 30_000, -1_000),
  jitterMs: fc.constantFrom(0, 0, 2_000),
  /** It knows what was decided up to so long ago. */
  decidedMs: fc.constantFrom(null, null, null, 0, 10_000),
});

/** `wrong`: what the caller saw is not what is there. */
const fire = fc.record({
  op: fc.constant("fire" as const),
  by,
  style: fc.constantFrom(...(["fire", "fire", "catchup", "pass", "mixed", "end"] as const)),
  wrong: fc.constantFrom(null, null, null, null, "revision", "cursor", "task"),
  set: fc.constantFrom(null, ...SETS),
});

const trigger = fc.record({
  op: fc.constant("trigger" as const),
  by,
  scheduleId,
  instants: fc.constantFrom(null, [1_000], [2_000, 1_000], [3_000, 3_000]),
  overlap: fc.option(overlap),
});

const ofSchedule = fc.record({
  op: fc.constantFrom(...(["pause", "pauseFor", "orphan", "resume", "remove"] as const)),
  by,
  scheduleId,
  revision: fc.constantFrom(null, null, 0, 1),
});

const recover = fc.record({
  op: fc.constant("recover" as const),
  by,
  scheduleId,
  agoMs: fc.constantFrom(0, 5_000, -5_000),
  isSame: fc.boolean(),
});

const tend = fc.record({ op: fc.constant("tend" as const), by, urgent: fc.boolean() });

const step = fc.oneof(
  { weight: 6, arbitrary: push },
  { weight: 3, arbitrary: pushAgain },
  { weight: 7, arbitrary: claim },
  { weight: 6, arbitrary: settle },
  { weight: 2, arbitrary: renew },
  { weight: 3, arbitrary: reap },
  { weight: 3, arbitrary: wait },
  { weight: 3, arbitrary: pass },
  { weight: 1, arbitrary: crash },
  { weight: 1, arbitrary: back },
  { weight: 5, arbitrary: ofJob },
  { weight: 1, arbitrary: prune },
  { weight: 3, arbitrary: register },
  { weight: 4, arbitrary: fire },
  { weight: 1, arbitrary: trigger },
  { weight: 2, arbitrary: ofSchedule },
  { weight: 1, arbitrary: recover },
  { weight: 1, arbitrary: tend },
);

export type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
export type StepOf<Op extends Step["op"]> = Extract<Step, { op: Op }>;

export const sequences: fc.Arbitrary<{ keep: number; steps: Step[] }> = fc.record({
  keep: fc.nat(2),
  steps: fc.array(step, { minLength: 1, maxLength: 60, size: "max" }),
});
