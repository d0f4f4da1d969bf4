/**
 * A test of the tests: each of these bugs, planted in the scripts of the Redis store, is found by
 * no more random sequences than the ordinary run has.
 */
import { describe, expect, test } from "vitest";
import { serverForThisFile } from "../support/redis-world.js";
import { RUNS, search } from "./check.js";
import { mutant } from "./scripts.js";
import { redisSubject } from "./worlds.js";

/** What each bug does, the text that it changes, and what stands there then. */
const MUTANTS: readonly (readonly [bug: string, from: string, to: string])[] = [
  [
    "a settle counts under any fence",
    "local lease = F.read_lease(fence, t)\n  if lease and lease.task",
    "local named = string.match(F.as_numbers(ARGV[i + 4]), '^%d+')\n" +
      "  local lease = F.lease_of(t, named)\n  if lease and lease.task",
  ],
  [
    "a settle counts without a lease",
    "if not lease then return 'L' end",
    "if not lease then\n    F.note_done(t, F.numbers_in(joined))\n    return 'C'\n  end",
  ],
  ["numbers and fences follow the clock", "math.max(last + 1, now)", "now"],
  ["what is decided fires again", "d.at <= s.decided", "false"],
  ["whoever looked before the others fires, too", "s.next_at ~= seen", "false"],
  [
    "a schedule that was changed meanwhile fires",
    "s.revision ~= revision or s.next_at",
    "s.next_at",
  ],
  [
    "a lease is reaped before its end",
    "if ends_at > now_ms then return end\n  if not lease",
    "if not lease",
  ],
  [
    "an outage is no grace",
    "now_ms < grace_from + (lease.handed and HANDED_MS or lease.length)",
    "false",
  ],
  ["a job that must not run twice does", "if not head.r then", "if false then"],
  [
    "a job that is pushed again runs again",
    "if answer then\n      said",
    "if false then\n      said",
  ],
  ["an id is remembered for ever", "if til <= now_ms then return nil end", ""],
  ["a failure does not end a row of crashes", "f + 1, c, h, 0,", "f + 1, c, h, 1,"],
  ["a cancelled job completes", "redis.call('HDEL', CANCELS, number) == 1", "false"],
  [
    "a number is unpacked wrongly",
    "digits_near(PACKED_FROM + n)",
    "digits_near(PACKED_FROM + n + 1)",
  ],
  ["what is due is packed in another order", "+ 1, b, c, d, e, f)", "+ 1, b, c, d, f, e)"],
  [
    "two jobs that must run alone run at once",
    "if redis.call('HEXISTS', LEASE, fence) == 1 then",
    "if false then",
  ],
  [
    "others have no turn after a job that ran alone",
    "F.whole(math.ceil(caller.now_ms + ran_ms))",
    "F.whole(math.ceil(caller.now_ms))",
  ],
  [
    "settled together, ids are forgotten",
    "ids and ids[k] or ''\n    left.details",
    "''\n    left.details",
  ],
  [
    "settled together, results are forgotten",
    "local detail = details[k] ~= '' and details[k] or '{}'",
    "local detail = '{}'",
  ],
  [
    "a job that is tried again loses its priority",
    "join(t, number, F.priority_of(record), 0, now)",
    "join(t, number, 0, 0, now)",
  ],
  [
    "a job that is handed back loses its priority",
    "n, priority = #here + 1, F.priority_of(records[k])",
    "n, priority = #here + 1, '0'",
  ],
  [
    "an urgent walk through the schedules puts off the next piece",
    "redis.call('HDEL', META, 'mendFrom')\n  local names",
    "redis.call('HSET', META, 'tendAt', F.whole(this))\n  local names",
  ],
  [
    "a hand-back counts an attempt",
    "counts_text(f, c, h + 1, row, inv)",
    "counts_text(f + 1, c, h, row, inv)",
  ],
];

const server = serverForThisFile({ kind: "redis-server" });

describe("a planted bug is found:", () => {
  test.each(MUTANTS)(
    "%s",
    async (_bug, from, to) => {
      const subject = redisSubject(server(), mutant(from, to));
      await expect(search(subject, { runs: RUNS, isShort: true })).rejects.toThrow(/step \d+/);
    },
    300_000,
  );

  test("one that changes no text is refused", () => {
    expect(() => mutant("no such text", "")).toThrow("no script has the text");
  });
});
