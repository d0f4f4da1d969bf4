/** Claims about the checker of fault runs: what it says of pushes and runs, made by hand. */
import { describe, test } from "vitest";
import {
  abort,
  answer,
  check,
  completed,
  exit,
  fault,
  lag,
  push,
  type Row,
  RULES,
  remains,
  run,
  stall,
  start,
  told,
} from "./check/stories.js";

const retries = { retries: true };
const second = { attempt: 2, by: "w2" };
const ok = [push(0, "a"), answer(5, "a", "ok")];
const okAgain = [push(0, "a", retries), answer(5, "a", "ok")];
const stop = (from: number, to: number) => fault(from, to, { kind: "stop", processes: ["w1"] });

const PUSHES: Row[] = [
  ["a push that was acknowledged and ran", told(ok, run(10, 20, "a")), []],
  ["one that was acknowledged and is lost", told(ok), ["I1"]],
  ["one that is still in the store", told(ok, remains("a")), []],
  [
    "one that the store was allowed to forget",
    told(ok, fault(1_000, 1_500, { lossMs: 2_000 })),
    [],
    { "I1 durability window": 1 },
  ],
  [
    "one that was stored before the window",
    told(ok, fault(3_000, 3_500, { lossMs: 2_000 })),
    ["I1"],
  ],
  [
    "a loss before the push excuses nothing",
    told(push(9, "a"), answer(9, "a", "ok"), fault(1, 2, { lossMs: -1 })),
    ["I1"],
  ],
  ["a push of an unknown fate that is lost", told(push(0, "a"), answer(5, "a", "unknown")), []],
  ["one that ran", told(push(0, "a"), answer(5, "a", "unknown"), run(10, 20, "a")), []],
  ["a refused push that did not run", told(push(0, "a"), answer(5, "a", "refused")), []],
  ["one that ran", told(push(0, "a"), answer(5, "a", "refused"), run(10, 20, "a")), ["I1"]],
  [
    "one that was sent again by somebody who died before the answer",
    told(push(0, "a"), answer(5, "a", "refused"), push(9, "a"), run(10, 20, "a")),
    [],
  ],
  [
    "a job without retry that began twice",
    told(ok, run(10, 20, "a"), run(30, 40, "a", { attempt: 2 })),
    ["I2"],
  ],
  [
    "one whose first claim was forgotten",
    told(
      ok,
      run(10, 20, "a"),
      fault(1_000, 1_100, { lossMs: -1 }),
      run(1_200, 1_210, "a", { fence: 2 }),
    ),
    [],
    { "I2 durability window": 1 },
  ],
  [
    "one push that became two jobs",
    told(okAgain, run(10, 20, "a"), run(30, 40, "a", { jobId: "b" })),
    ["I2"],
  ],
  [
    "a job with retry that ended well at last",
    told(okAgain, run(10, 20, "a", { ok: false }), run(600, 610, "a", second)),
    [],
  ],
  ["one that never did", told(okAgain, run(10, 20, "a", { ok: false })), ["I3"]],
  ["one that never began", told(okAgain, remains("a")), ["I3"]],
  [
    "a killer that was given up",
    told(
      push(0, "a", { ...retries, plan: ["kill"] }),
      answer(5, "a", "ok"),
      start(10, "a"),
      remains("a"),
    ),
    [],
  ],
  [
    "a killer that is gone",
    told(push(0, "a", { ...retries, plan: ["kill"] }), answer(5, "a", "ok"), start(10, "a")),
    ["I3"],
  ],
];

const failed = [...okAgain, ...run(10, 20, "a", { ok: false })];
const died = [...okAgain, start(10, "a"), exit(1_000, "w1", { signal: "SIGKILL" })];

/** A failure of a process that dies at `diedAt`, and two crashes. */
const often = (diedAt: number) => [
  ...failed,
  exit(diedAt, "w1", { signal: "SIGKILL" }),
  start(2_600, "a", { attempt: 2, by: "w2" }),
  exit(2_700, "w2", { signal: "SIGKILL" }),
  start(6_000, "a", { attempt: 3, by: "w3" }),
  exit(6_100, "w3", { signal: "SIGKILL" }),
];
const fourth = { attempt: 4, by: "w4" };

const RUNS: Row[] = [
  [
    "a completed job that runs again, as its end was forgotten",
    told(
      okAgain,
      run(10, 8_990, "a"),
      completed(9_000, "a"),
      fault(10_000, 10_500, { lossMs: 2_000 }),
      run(13_000, 13_100, "a", second),
    ),
    [],
    { "I6 durability window": 1 },
  ],
  ["issued again at its time", told(failed, run(525, 600, "a", second)), []],
  ["issued again too early", told(failed, run(400, 600, "a", second)), ["I4"]],
  ["issued again far too late", told(failed, run(9_000, 9_100, "a", second)), ["I4"]],
  [
    "as late, while the store was away",
    told(failed, fault(100, 8_500), run(9_000, 9_100, "a", second)),
    [],
  ],
  ["issued again after a death", told(died, run(3_400, 3_500, "a", second)), []],
  ["long after a death", told(died, run(19_000, 19_100, "a", second)), ["I4"]],
  [
    "long after the third death, as it runs alone: the failure before was not told",
    told(often(30), run(20_000, 20_100, "a", fourth)),
    [],
  ],
  [
    "long after the third death, of which the second came before its attempt began",
    told(
      died,
      start(6_000, "a", { attempt: 3, by: "w3" }),
      exit(6_100, "w3", { signal: "SIGKILL" }),
      run(20_000, 20_100, "a", fourth),
    ),
    [],
  ],
  ["after the second one", told(often(1_500), run(20_000, 20_100, "a", fourth)), ["I4"]],
  [
    "as long, when there was nobody",
    told(
      { t: 1, by: "w1", what: "up" },
      died,
      { t: 18_000, by: "w2", what: "up" },
      run(19_000, 19_100, "a", second),
    ),
    [],
  ],
  ["two runs at once", told(okAgain, run(10, 900, "a"), run(500, 600, "a", second)), ["I5"]],
  [
    "two runs at once, as the first process stood still",
    told(okAgain, run(10, 9_000, "a"), stop(100, 8_900), run(2_600, 2_700, "a", second)),
    [],
    { "I5 lease": 1 },
  ],
  [
    "two runs at once, while the store let everybody wait: its leases had to have grace",
    told(okAgain, run(10, 9_000, "a"), stall(100, 2_500), run(2_600, 2_700, "a", second)),
    ["I5"],
  ],
  [
    "two runs at once, as the machine did not let the first process run",
    told(okAgain, run(10, 9_000, "a"), lag(100, 2_500), run(2_600, 2_700, "a", second)),
    [],
    { "I5 lease": 1 },
  ],
  [
    "two runs at once, as the first process stood still for a moment",
    told(okAgain, run(10, 9_000, "a"), stop(100, 600), run(2_600, 2_700, "a", second)),
    ["I5"],
  ],
  [
    "two runs at once, as another process stood still",
    told(
      okAgain,
      run(10, 9_000, "a"),
      fault(100, 8_900, { kind: "stop", processes: ["w2"] }),
      run(2_600, 2_700, "a", { ...second, by: "w3" }),
    ),
    ["I5"],
  ],
  [
    "two runs at once, as the first handler did not look at its signal",
    told(okAgain, run(10, 900, "a"), abort(300, "a"), run(500, 600, "a", second)),
    [],
    { "I5 signal": 1 },
  ],
  [
    "two runs at once, as it was told of it too late",
    told(okAgain, run(10, 900, "a"), abort(700, "a"), run(500, 600, "a", second)),
    ["I5"],
  ],
  ["fences that fall", told(failed, run(525, 600, "a", { ...second, fence: 1 })), ["I6"]],
  ["a fence that is used twice", told(failed, run(525, 600, "a", { by: "w2" })), ["I6"]],
  [
    "a replaced run that was completed",
    told(failed, run(525, 600, "a", second), completed(601, "a")),
    ["I6"],
  ],
  [
    "the last run, completed",
    told(failed, run(525, 600, "a", second), completed(601, "a", second)),
    [],
  ],
  [
    "a job that was completed twice",
    told(
      failed,
      run(525, 600, "a", second),
      completed(601, "a", second),
      completed(602, "a", second),
    ),
    ["I6"],
  ],
];

describe("what became of pushes", () => void test.each(PUSHES)("%s", check(RULES)));
describe("how runs follow each other", () => void test.each(RUNS)("%s", check(RULES)));
