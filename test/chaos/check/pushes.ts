/** I1 to I3: what became of each push: nothing acknowledged is lost, nothing runs too often. */
import type { Case, Run, Told } from "./case.js";

export function judgePushes(its: Case): void {
  for (const [name, told] of its.told) {
    judgeKept(its, name, told);
    judgeOnce(its, name, told);
    judgeDone(its, name, told);
  }
}

/** I1: what was answered "ok" has run or is still there; what was refused has not run. */
function judgeKept(its: Case, name: string, { okAt, answers, runs }: Told): void {
  if (okAt !== null && runs.length === 0 && !its.remains.has(name)) {
    its.unless(
      [["durability window", its.isForgettable(okAt)]],
      "I1",
      () => `${name} was acknowledged and is lost`,
    );
  }
  const isRefused = answers.length > 0 && answers.every(({ outcome }) => outcome === "refused");
  const asked = its.history.of("push").filter((push) => push.name === name).length;
  if (isRefused && asked === answers.length && runs.length > 0) {
    its.broken("I1", `${name} was refused (${answers[0]?.code}) and ran all the same`);
  }
}

/** I2: one push is one job, and a job without retry begins once. */
function judgeOnce(its: Case, name: string, { push, runs }: Told): void {
  const first = runs[0];
  if (first === undefined) return;
  const jobs = new Set(runs.map(({ start }) => start.jobId));
  const isForgotten = its.isForgettable(first.start.t);
  if (jobs.size > 1) {
    its.unless(
      [["durability window", isForgotten]],
      "I2",
      () => `${name} became ${jobs.size} jobs: ${[...jobs].join(", ")}`,
    );
  } else if (!push.retries && runs.length > 1) {
    its.unless(
      [["durability window", isForgotten]],
      "I2",
      () => `${name}, without retry, began ${runs.length} times: ${storyOf(runs)}`,
    );
  }
}

/** I3: with retry it ends well, once the faults are over. */
function judgeDone(its: Case, name: string, { push, okAt, runs }: Told): void {
  if (!push.retries || okAt === null) return;
  if (runs.some(({ end }) => end?.ok === true)) return;
  const isPoison = push.plan.at(-1) === "kill";
  if (isPoison && its.remains.has(name)) return;
  const last = runs.at(-1);
  its.unless(
    [
      ["durability window", last === undefined ? its.isForgettable(okAt) : forgotten(its, runs)],
      ["clock", its.remains.has(name) && its.jumped(last?.start.t ?? push.t, last?.until ?? okAt)],
    ],
    "I3",
    () => `${name}, with retry, never ended well: ${storyOf(runs)}`,
  );
}

function forgotten(its: Case, runs: readonly Run[]): boolean {
  return runs.some(({ start }) => its.isForgettable(start.t));
}

export function storyOf(runs: readonly Run[]): string {
  if (runs.length === 0) return "it never began";
  return runs
    .map(({ start, end, until }) => {
      const how = end === null ? "cut short" : end.ok ? "ok" : "failed";
      const span = `${Math.round(start.t)}–${Math.round(until)}`;
      return `${start.by} attempt ${start.attempt} fence ${start.fence} ${span} ${how}`;
    })
    .join("; ");
}
