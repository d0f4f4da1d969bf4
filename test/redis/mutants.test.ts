/**
 * A test of the tests: bugs planted in what refinement does not reach, since its model has no such
 * thing: jobs that are handed over, and schedules that move between shards. Each is found by the
 * tests of that, run again for each in a process of their own: see `planted.ts`.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { testScripts } from "../../src/store/redis/testing-scripts.js";
import { withBug } from "../support/mutate.js";

/** What each bug does, the text that it changes, and what stands there then. */
type Mutant = readonly [bug: string, from: string, to: string];

const HAND_OVER: readonly Mutant[] = [
  [
    "a job is handed over past those that stand in line",
    "F.exists(t.ready) or F.exists(t.prio) or F.exists(t.alone) then return false",
    "false then return false",
  ],
  [
    "a job is handed over past one with a priority",
    "F.exists(t.prio) or F.exists(t.alone) then return false",
    "F.exists(t.alone) then return false",
  ],
  ["a job is handed over past one that is due", "return #due == 0", "return true"],
  [
    "a job is handed to who does not listen",
    "[2] > 0 then return sleeper",
    "[2] >= 0 then return sleeper",
  ],
  ["a job that may run once is handed over", "return tries ~= nil and tries ~= '1'", "return true"],
  ["however large, a job is handed over", "#record > MOST_HANDED_BYTES", "false"],
  [
    "what is handed over has no lease",
    "redis.call('HSET', LEASE, fence, text)",
    "redis.call('HSET', LEASE, 'x' .. fence, text)",
  ],
  [
    "what is handed over does not count as claimed",
    "redis.call('SADD', t.claimed, number)\n  local text",
    "local text",
  ],
  [
    "what is handed over was never pushed",
    "redis.call('HINCRBY', t.stats, 'pushed', 1)\n  local message",
    "local message",
  ],
  ["the note of lengths does not know of it", "HANDED_LENGTH_MS .. '=1'", "''"],
  ["its lease ends late", "now / 1000 + HANDED_MS", "now / 1000 + HANDED_LENGTH_MS"],
  [
    "it is charged for who never heard of it",
    "if lease.handed then\n    redis.call('SREM'",
    "if false then\n    redis.call('SREM'",
  ],
  ["it makes an outage of silence", "F.is_handed(length) and HANDED_MS or", ""],
  [
    "its owner cannot confirm it",
    "if lease and lease.handed then F.confirm",
    "if false then F.confirm",
  ],
];

const MOVES: readonly Mutant[] = [
  [
    "what is given stays alive",
    "  F.forget_schedule(s)\nend\nfunction F.give",
    "end\nfunction F.give",
  ],
  ["a parcel is given as if it were alive", "outcome or 'again'", "'given'"],
  ["what was given again meanwhile is settled", "if parcel[1] ~= at then return 0 end", ""],
  [
    "what has arrived is not forgotten where it was",
    "if parcel[1] ~= at then return 0 end\n  F.drop_parcel(id)\n",
    "if parcel[1] ~= at then return 0 end\n",
  ],
  ["it is given to two shards at once", "F.is_moving(id, to, now_ms) or F.is_given", "F.is_given"],
  ["it is given to its old task while it moves", "not s and F.is_elsewhere(w.id)", "false"],
  ["it is put back while it may arrive", "F.may_be_elsewhere(before)", "false"],
  ["what was given once more is put back", "#parcel[3] > before or", ""],
  ["what was given before is put back", "F.may_be_taken(parcel[3][k], asked_since)", "false"],
  ["what was removed comes back", "(gone[id] or 0) >= tonumber(ARGV[3])", "false"],
  ["what comes too late is taken in", "til > 0 and now_ms > til", "false"],
  ["what may be in a shard that is away is written", "not s and not all_asked", "false"],
  ["what comes back is forgotten", "F.put_back(id)\n  F.refresh_groups(nil)", "F.drop_parcel(id)"],
  [
    "its ledger stays behind",
    "if fields[k] ~= '' then redis.call('HSET', SCHEDULES, letter",
    "if fields[k] ~= '' and letter ~= 'f' then redis.call('HSET', SCHEDULES, letter",
  ],
];

const LATE_MOVES: readonly Mutant[] = [
  ["who stood still for long is heard", "til > 0 and now_ms > til", "false"],
  ["who asked before it left adds a second one", "F.has_left_since(id, asked_at, now_ms)", "false"],
  ["what has been given on is taken in", "if F.is_elsewhere(id) then return false end", ""],
  ["what has left may not come back", "at > asked_at and", ""],
  ["who does not come with it is waited for", "table.remove(parcel[3], k)", ""],
  ["what is left of it when it is removed comes again", "if gone[id] then", "if false then"],
  ["what has left is noted for ever", "F.forget_left(MOST_LEFT, now_ms)", ""],
];

const TWO_PARCELS: readonly Mutant[] = [
  ["no parcel is newer than another", "return (is_newer or", "return (false or"],
  [
    "the older of two that are given is taken in where the newer is",
    "if not alive and F.parcel_revision(id) > revision then return false end",
    "",
  ],
  [
    "a parcel stays where it came in",
    "function F.take_in(id, fields)\n  F.drop_parcel(id)\n",
    "function F.take_in(id, fields)\n",
  ],
  [
    "what has left lately has never been there",
    "is_newer or F.has_left_since(id, 0, this)",
    "is_newer",
  ],
  [
    "what left before it was asked for is not told",
    "elseif F.has_left_since(id, 0, now_ms) then",
    "elseif false then",
  ],
  [
    "what may have arrived is put back",
    "F.is_moving(id, nil, asked_at)",
    "F.is_moving(id, nil, now_ms)",
  ],
  ["nobody sees what is alive twice", "if s and s.revision >= tonumber(ARGV[k + 1])", "if false"],
  ["both that are alive are taken for old", "if s and s.revision >= tonumber(ARGV[k + 1])", "if s"],
];

const vitest = join(
  dirname(createRequire(import.meta.url).resolve("vitest/package.json")),
  "vitest.mjs",
);

interface Report {
  testResults: { assertionResults: { status: string; ancestorTitles: string[] }[] }[];
}

/** Far longer than the longest run takes. */
const LIMIT_MS = 240_000;

/**
 * Which of the bugs, by their places, the tests of a file find, and at which of them any test
 * passed; and what the run said.
 */
async function run(file: string, bugs: readonly Mutant[]) {
  const folder = mkdtempSync(join(tmpdir(), "schedule-mq-planted-"));
  const path = join(folder, "report.json");
  const { NODE_ENV: _, VITEST: __, ...env } = process.env;
  const reporters = ["--reporter", "default", "--reporter", "json", "--outputFile.json", path];
  const config = ["--config", "test/redis/planted.config.ts"];
  const child = spawn(process.execPath, [vitest, "run", ...config, ...reporters], {
    cwd: join(import.meta.dirname, "../.."),
    env: {
      ...env,
      PLANTED_RUN: JSON.stringify({ file, bugs: bugs.map((bug) => bug.slice(1)) }),
      NO_COLOR: "1",
    },
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (piece: Buffer) => {
      said += piece.toString();
    });
  }
  const limit = setTimeout(() => child.kill("SIGTERM"), LIMIT_MS);
  await new Promise((resolve) => child.once("close", resolve));
  clearTimeout(limit);
  const found = new Set<number>();
  const passed = new Set<number>();
  if (existsSync(path)) {
    const { testResults } = JSON.parse(readFileSync(path, "utf8")) as Report;
    for (const { status, ancestorTitles } of testResults.flatMap((it) => it.assertionResults)) {
      if (status === "failed") found.add(Number(ancestorTitles[0]));
      if (status === "passed") passed.add(Number(ancestorTitles[0]));
    }
  }
  rmSync(folder, { recursive: true, force: true });
  return { found, passed, said };
}

const RUNS = [
  ["hand-over.test.ts", HAND_OVER],
  ["moves.test.ts", MOVES],
  ["two-parcels.test.ts", TWO_PARCELS],
  ["late-moves.test.ts", LATE_MOVES],
] as const;

/** What finds something here finds it everywhere. */
const NONE: Mutant = ["none", "redis.call(", "redis.call("];

describe.each(RUNS)("a planted bug is found by %s:", (file, bugs) => {
  const all = [NONE, ...bugs, NONE];
  let ran: Awaited<ReturnType<typeof run>>;

  beforeAll(async () => {
    // Known here already if no script has that text: everything would fail for that.
    for (const [, from, to] of all) withBug(testScripts, from, to);
    ran = await run(file, all);
  }, 300_000);

  test.each(all.map(([bug], place) => [bug, place] as const).slice(1, -1))("%s", (_, place) => {
    expect([...ran.found], ran.said).toContain(place);
  });

  test.each([0, all.length - 1])("and nothing where there is none: %i", (place) => {
    expect([...ran.found], ran.said).not.toContain(place);
    expect([...ran.passed], ran.said).toContain(place);
  });
});
