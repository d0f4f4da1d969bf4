/** The deputy: when it acts. */
import { describe, expect, test } from "vitest";
import { loggerOf } from "../../src/console-logger.js";
import { Emitter } from "../../src/core/events.js";
import { Board, BoardView } from "../../src/loops/deputy/board.js";
import { Deputy } from "../../src/loops/deputy/deputy.js";
import { Duty, stirMs } from "../../src/loops/deputy/duty.js";
import type { DeputyStore, HandBack, RenewArgs } from "../../src/store/contract.js";
import { createTestClock } from "../../src/testing/clock.js";
import { FENCE, jobs, LEASE_MS, LIMIT_MS, lease, number } from "./deputy-words.js";

const STIR_MS = stirMs(LEASE_MS);
const SILENT = loggerOf(false);

function onDuty() {
  const clock = createTestClock();
  const board = new Board((sheet) => view.addSheet(sheet));
  const view = new BoardView({ ...board.memory, sheets: [] });
  const renewals: { at: number; fences: string[] }[] = [];
  const back: HandBack[] = [];
  let isAway = false;
  let lost: string[] = [];
  let closed = 0;
  let silent: number | null = null;
  let asked = 0;
  const store: DeputyStore = {
    renew: async ({ leases }: RenewArgs) => {
      if (isAway) throw new Error("away");
      renewals.push({ at: clock.monotonic(), fences: leases.map(({ fence }) => fence) });
      return { lost: leases.filter(({ fence }) => lost.includes(fence)), cancelled: [] };
    },
    handBack: async (batches) => {
      if (isAway) throw new Error("away");
      if (batches.some(({ shard }) => shard === silent)) {
        asked += 1;
        await new Promise(() => {});
      }
      back.push(...batches);
    },
    close: async () => {},
  };
  const duty = new Duty({
    ...{ clock, board: view, leaseMs: LEASE_MS, taskIds: ["t"] },
    store: async () => store,
    closeStore: () => {
      closed += 1;
    },
  });
  let isAsleep = false;
  const look = (): void => {
    const delayMs = duty.look();
    isAsleep = delayMs === null;
    if (delayMs !== null) clock.after(delayMs, look);
  };
  look();
  return {
    ...{ clock, board, view, renewals, back, duty, look },
    isAsleep: () => isAsleep,
    closed: () => closed,
    /** To this shard nothing is handed back, nor is it refused; how often it was tried. */
    silence: (shard: number) => {
      silent = shard;
      return () => asked;
    },
    away: (is: boolean) => {
      isAway = is;
    },
    lose: (...fences: string[]) => {
      lost = fences;
    },
    /** The main loop turns for so long. */
    lives: async (ms: number) => {
      for (let at = 0; at < ms; at += STIR_MS) {
        board.beat();
        await clock.advance(STIR_MS);
      }
    },
  };
}

describe("its duty", () => {
  test("a loop that turns is left alone", async () => {
    const { board, lives, renewals, back } = onDuty();
    board.hold(lease({ jobs: jobs(3) }));
    await lives(10 * LEASE_MS);
    expect(renewals).toEqual([]);
    expect(back).toEqual([]);
  });

  test("a blocked one's leases never pass their end, up to the limit", async () => {
    const { board, clock, lives, renewals } = onDuty();
    const place = board.hold(lease());
    board.mayBegin(place, 0);
    await lives(LEASE_MS);
    const blockedAt = clock.monotonic();
    await clock.advance(2 * LIMIT_MS);
    const times = renewals.map(({ at }) => at - blockedAt);
    // The main loop may have renewed a third of a lease before.
    expect(times[0]).toBeLessThanOrEqual(LEASE_MS / 4 + 2 * STIR_MS);
    for (const [k, at] of times.slice(1).entries()) {
      expect(at - times[k]!).toBeLessThan(LEASE_MS / 2);
    }
    expect(times.at(-1)).toBeLessThanOrEqual(LIMIT_MS);
    expect(times.at(-1)).toBeGreaterThan(LIMIT_MS - LEASE_MS / 2);
  });

  test("each lease has its own limit", async () => {
    const { board, clock, renewals } = onDuty();
    const brief = "1767225600000002";
    for (const one of [lease(), lease({ fence: brief, limitMs: 30_000 })]) {
      board.mayBegin(board.hold(one), 0);
    }
    await clock.advance(100_000);
    const last = (fence: string) => renewals.findLast(({ fences }) => fences.includes(fence))?.at;
    expect(last(brief)).toBeLessThanOrEqual(30_000);
    expect(last(FENCE)).toBeGreaterThan(95_000);
  });

  test("the next sign of life ends it", async () => {
    const { board, clock, lives, renewals } = onDuty();
    board.mayBegin(board.hold(lease()), 0);
    await clock.advance(LEASE_MS);
    const count = renewals.length;
    expect(count).toBeGreaterThan(0);
    await lives(10 * LEASE_MS);
    expect(renewals).toHaveLength(count);
  });

  test("time in which the whole process stood still is no silence", async () => {
    const { board, clock, duty, renewals, back } = onDuty();
    board.hold(lease());
    // No look has come for an hour; then the first.
    const frozenAt = clock.monotonic();
    Object.assign(clock, { monotonic: () => frozenAt + 3_600_000 });
    duty.look();
    expect(renewals).toEqual([]);
    expect(back).toEqual([]);
  });

  test("what has not begun goes back after a second, and may not begin any more", async () => {
    const { board, clock, back } = onDuty();
    const place = board.hold(lease({ jobs: jobs(3) }));
    board.mayBegin(place, 0);
    await clock.advance(700);
    expect(back).toEqual([]);
    await clock.advance(700);
    expect(back).toEqual([
      { fence: FENCE, taskId: "t", shard: 3, numbers: [number(1), number(2)] },
    ]);
    expect(board.mayBegin(place, 1)).toBe(false);
    await clock.advance(LEASE_MS);
    expect(back).toHaveLength(1);
  });

  test("what the store did not hear is told again, unless the loop turns again", async () => {
    for (const comesBack of [false, true]) {
      const { board, clock, back, away, lives, renewals } = onDuty();
      board.hold(lease());
      away(true);
      await clock.advance(5_000);
      if (comesBack) await lives(STIR_MS * 2);
      away(false);
      await (comesBack ? lives(5_000) : clock.advance(5_000));
      expect(back).toHaveLength(comesBack ? 0 : 1);
      expect(renewals.length > 0).toBe(!comesBack);
    }
  });

  test("a shard that does not take back holds up neither renewals nor the others", async () => {
    const { board, clock, back, renewals, silence } = onDuty();
    const asked = silence(3);
    const [waits, runs] = ["1767225600000002", "1767225600000003"];
    board.hold(lease());
    board.hold(lease({ fence: waits, shard: 4 }));
    board.mayBegin(board.hold(lease({ fence: runs, shard: 4 })), 0);
    await clock.advance(10 * LEASE_MS);
    const times = renewals.flatMap(({ at, fences }) => (fences.includes(runs) ? [at] : []));
    for (const [k, at] of times.entries()) {
      expect(at - (times[k - 1] ?? 0)).toBeLessThan(LEASE_MS / 2);
    }
    expect(times.at(-1)).toBeGreaterThan(9.5 * LEASE_MS);
    expect(back.map(({ fence }) => fence)).toEqual([waits]);
    expect(asked(), "one at a time").toBe(1);
    // What comes later for those that answer goes there at once.
    const late = "1767225600000004";
    board.hold(lease({ fence: late, shard: 4 }));
    await clock.advance(2 * STIR_MS);
    expect(back.map(({ fence }) => fence)).toEqual([waits, late]);
  });

  test("a lease that was lost is not asked for again", async () => {
    const { board, clock, lose, renewals } = onDuty();
    board.mayBegin(board.hold(lease()), 0);
    lose(FENCE);
    await clock.advance(10 * LEASE_MS);
    expect(renewals).toHaveLength(1);
  });

  test("sleeps where nothing is held, closes its store, and looks again when called", async () => {
    const { board, clock, view, isAsleep, closed, duty, look, renewals, lives } = onDuty();
    const place = board.hold(lease());
    board.mayBegin(place, 0);
    await clock.advance(LEASE_MS);
    board.release(place);
    await lives(60 * STIR_MS);
    expect(isAsleep()).toBe(true);
    expect(board.isDeputyAsleep).toBe(true);
    expect(closed()).toBe(1);
    const count = renewals.length;
    board.mayBegin(board.hold(lease()), 0);
    board.wakeDeputy();
    duty.begin();
    look();
    await clock.advance(LEASE_MS / 4 + 2 * STIR_MS);
    expect(renewals).toHaveLength(count + 1);
    expect(view.fallAsleep()).toBe(false);
  });
});

test("signs of life go on where the deputy has nearly fallen asleep", async () => {
  const clock = createTestClock();
  const told: string[] = [];
  let view = new BoardView(new Board(() => {}).memory);
  const deputy = new Deputy({
    ...{ clock, emitter: new Emitter(SILENT), logger: SILENT, taskIds: ["t"], leaseMs: LEASE_MS },
    launch: ({ board }, { ready }) => {
      view = new BoardView(board);
      ready();
      return { tell: ({ kind }) => void told.push(kind), open: () => {}, kill: () => {} };
    },
  });
  const held = (fence: string) => ({
    ref: { fence, taskId: "t" },
    leaseMs: LEASE_MS,
    attempts: [],
  });
  deputy.release(deputy.hold(held(FENCE)));
  expect(view.fallAsleep()).toBe(true);
  await clock.advance(STIR_MS * 2);
  // It sees the next lease before the main thread sees that it sleeps.
  view.wakeUp();
  deputy.hold(held(FENCE));
  const { beats } = view;
  await clock.advance(STIR_MS * 3);
  expect(view.beats).toBe(beats + 3);
});
