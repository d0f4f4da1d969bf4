/** Claims about the checker of fault runs: what it says of times and lives, made by hand. */
import { describe, expect, test } from "vitest";
import { judge } from "./check/judge.js";
import {
  answer,
  CRON,
  check,
  clock,
  completed,
  end,
  exit,
  fault,
  lag,
  OFFSET_MS,
  occurrence,
  phase,
  push,
  type Row,
  RULES,
  remains,
  run,
  spawn,
  stall,
  term,
  told,
} from "./check/stories.js";

import type { Line } from "./kit/history.js";

const ok = [push(0, "a"), answer(5, "a", "ok")];
const stop = (from: number, to: number) => fault(from, to, { kind: "stop", processes: ["w1"] });
const three = [occurrence(1_000), occurrence(2_000), occurrence(3_000)];
const dead = exit(2_100, "w1", { signal: "SIGKILL" });

/** A key was lost shortly before the second one. */
const lost = (kind: string) => fault(1_500, 1_900, { kind: `wrong type: ${kind}`, lossMs: -1 });

const TIMES: Row[] = [
  ["each occurrence once", told(clock(5_000), three), []],
  [
    "one that two jobs stand for",
    told(clock(5_000), three, occurrence(2_000, 9, { jobId: "b" })),
    ["I7"],
  ],
  [
    "the same, after the first was forgotten",
    told(
      clock(5_000),
      three,
      fault(2_100, 2_200, { lossMs: -1 }),
      occurrence(2_000, 400, { jobId: "b" }),
    ),
    [],
    { "I7 durability window": 1 },
  ],
  [
    "one job without retry that began twice",
    told(clock(5_000), three, dead, occurrence(2_000, 900, { by: "w2", fence: 2 })),
    ["I2"],
  ],
  [
    "one that begins long after its instant",
    told(clock(9_000), three[0]!, occurrence(2_000, 4_500), three[2]!),
    ["I7"],
  ],
  [
    "the same, as the store was away",
    told(clock(9_000), three[0]!, fault(1_500, 3_000), occurrence(2_000, 4_500), three[2]!),
    [],
  ],
  ["one that is missing", told(clock(5_000), three[0]!, three[2]!), ["I7"]],
  [
    "one that is missing, as nobody had registered the lost schedules again",
    told(clock(5_000), three[0]!, three[2]!, lost("schedules")),
    [],
    { "I7 durability window": 1 },
  ],
  [
    "one though another key was lost",
    told(clock(5_000), three[0]!, three[2]!, lost("t:ids")),
    ["I7"],
  ],
  [
    "one that somebody had claimed who died",
    told(clock(5_000), three[0]!, dead, three[2]!, remains(`cron@${2_000 + OFFSET_MS}`)),
    [],
    { "I7 interrupted": 1 },
  ],
  [
    "one that is missing though somebody died",
    told(clock(5_000), three[0]!, dead, three[2]!),
    ["I7"],
  ],
  [
    "one that fired early",
    told(clock(5_000), occurrence(1_000), occurrence(2_000, -50), occurrence(3_000)),
    ["I7"],
  ],
  [
    "one that was decided when the clock was ahead",
    told(
      clock(5_000),
      three[0]!,
      { t: 1_100, by: "controller", what: "clock", storeMs: 2_500 + OFFSET_MS },
      three[2]!,
    ),
    [],
    { "I7 clock": 1 },
  ],
  ["none after the faults", told(clock(5_000), three, phase(3_500, "healed")), ["I13"]],
  ["some after the faults", told(clock(5_000), three, phase(2_500, "healed")), []],
  ["none at all", told(clock(5_000)), ["I7"]],
];

const delayed = [push(0, "a", { delayMs: 1_000 }), answer(5, "a", "ok")];

const DELAYS: Row[] = [
  ["a delay that was kept", told(delayed, run(1_010, 1_020, "a")), []],
  ["one that was not", told(delayed, run(900, 910, "a")), ["I8"]],
  [
    "one that was not, as the store's clock jumped",
    told(delayed, fault(100, 3_000, { jumpMs: 60_000 }), run(900, 910, "a")),
    [],
  ],
  [
    "one that was not, as the index of due times was deleted meanwhile",
    told(delayed, fault(100, 101, { lossMs: -1 }), run(900, 910, "a")),
    [],
    { "I8 durability window": 1 },
  ],
  [
    "a loss after it began excuses nothing",
    told(delayed, run(900, 910, "a"), fault(920, 930, { lossMs: -1 })),
    ["I8"],
  ],
  ["a job that began very late", told(delayed, run(9_000, 9_010, "a")), ["I8"]],
  [
    "as late, while the store was away",
    told(delayed, fault(500, 8_000), run(9_000, 9_010, "a")),
    [],
  ],
];

const healed = [...spawn(0, "w1"), ...spawn(0, "p1", "pusher"), phase(1_000, "healed")];
const pushed = [push(1_100, "a"), answer(1_200, "a", "ok")];

const up: Line = { t: 0, by: "w1", what: "up" };

const LIVES: Row[] = [
  [
    "a process that ends when told",
    told(spawn(0, "w1"), term(100, "w1"), exit(900, "w1", { code: 0 })),
    [],
  ],
  [
    "one that does not",
    told(spawn(0, "w1"), term(100, "w1"), exit(9_900, "w1", { code: 0 })),
    ["I10"],
  ],
  ["one that never ends", told(spawn(0, "w1"), term(100, "w1")), ["I10"]],
  [
    "one that begins a job afterwards",
    told(term(100, "w1"), ok, run(1_500, 1_510, "a"), exit(1_600, "w1", { code: 0 })),
    ["I10"],
  ],
  ["one that works after the faults", told(healed, pushed, run(2_000, 2_010, "a")), []],
  ["one that does not", told(healed, pushed, run(2_000, 2_010, "a", { by: "w2" })), ["I13"]],
  ["one that does so late", told(healed, pushed, run(7_000, 7_010, "a")), ["I13"]],
  [
    "one that does so late, as the machine did not let it run",
    told(healed, pushed, lag(2_000, 6_000), run(7_000, 7_010, "a")),
    [],
  ],
  [
    "one that does so late, as the disk let everybody wait",
    told(healed, pushed, stall(2_000, 6_000), run(7_000, 7_010, "a")),
    [],
  ],
  ["one that is not answered", told(healed, push(1_100, "a"), run(2_000, 2_010, "a")), ["I13"]],
  ["work that was left over", told(phase(1_000, "stuck")), ["I13"]],
  ["a full store that hands nothing out", told(fault(0, 2_500, { works: true })), ["I13", "I13"]],
  [
    "one whose only worker could run, and was given nothing",
    told(up, fault(1, 2_500, { works: true })),
    ["I13", "I13"],
  ],
  [
    "one whose only worker was blocked",
    told(up, lag(100, 2_400), fault(1, 2_500, { works: true })),
    [],
  ],
  [
    "one that does",
    told(fault(0, 2_500, { works: true }), ok, run(600, 700, "a"), completed(701, "a")),
    [],
  ],
  ["a process that was killed", told(exit(9, "w1", { signal: "SIGKILL" })), []],
  ["one that crashed", told(exit(9, "w1", { code: 1 })), ["I14"]],
];

describe("occurrences", () => void test.each(TIMES)("%s", check(CRON)));
describe("delays", () => void test.each(DELAYS)("%s", check(RULES)));
describe("lives of processes", () => void test.each(LIVES)("%s", check(RULES)));

test("pushes, faults and returns are counted", () => {
  const story = told(healed, pushed, run(2_000, 2_010, "a"), stop(100, 200), end(3_000, "b"));
  const { pushes, faults, recoveryMs, runs, jobs } = judge(story, RULES);
  expect({ pushes, faults, recoveryMs, runs, jobs }).toEqual({
    pushes: { ok: 1, refused: 0, unknown: 0 },
    faults: { stop: 1 },
    recoveryMs: 1_000,
    runs: 1,
    jobs: 1,
  });
});
