/** When the guarantee in force is asked again; what it says is in test/redis/guarantee.test.ts. */
import { expect, test } from "vitest";
import type { Durability } from "../../src/core/durability.js";
import { Emitter } from "../../src/core/events.js";
import { Guarantee } from "../../src/loops/guarantee.js";
import type { ConnectionChange, Store, StoreInfo } from "../../src/store/contract.js";
import { createTestClock } from "../../src/testing/clock.js";

const LOGGER = { debug() {}, info() {}, warn() {}, error() {} };

function infoOf(durability: Durability): StoreInfo {
  return { now: 0, description: durability, warnings: [], durability };
}

/** `answers`: of the store, in turn; each arrives when the test lets it. */
function createStage(answers: Durability[], opening: (back: () => void) => void = () => {}) {
  const gates: (() => void)[] = [];
  let change: (news: ConnectionChange) => void = () => {};
  const store = {
    guarantee: () =>
      new Promise<StoreInfo>((resolve) => {
        const info = infoOf(answers.shift()!);
        gates.push(() => resolve(info));
      }),
    onConnection: (listener: typeof change) => {
      change = listener;
      return () => {};
    },
    health: () => ({ connected: true, sinceAnswerMs: 0, lastError: null }),
  } as unknown as Store;
  const clock = createTestClock();
  const parts = { store, clock, emitter: new Emitter(LOGGER), logger: LOGGER, required: null };
  const guarantee = new Guarantee(parts);
  const back = () => change({ kind: "back", emptied: false });
  guarantee.listen();
  opening(back);
  guarantee.begin(infoOf("fsync"));
  const answer = async () => {
    gates.shift()!();
    await clock.settle();
  };
  return { guarantee, back, answer, gates, clock };
}

test("a connection that is lost while it is asked is asked about, too", async () => {
  // The first answer was on its way when its server was replaced by another one.
  const { guarantee, back, answer, gates } = createStage(["fsync", "store"]);
  back();
  back();
  await answer();
  expect(gates).toHaveLength(1);
  await answer();
  expect(guarantee.reason).toContain('"store" is in force');
  guarantee.end();
});

test("a connection that is lost between what opening said and the beginning is asked", async () => {
  const { guarantee, answer, gates } = createStage(["store"], (back) => back());
  await answer();
  expect(guarantee.reason).toContain('"store" is in force');
  guarantee.end();
  expect(gates).toHaveLength(0);
});

test("what is in force is asked once for each connection", async () => {
  const { guarantee, back, answer, gates, clock } = createStage(["fsync", "fsync"]);
  back();
  await answer();
  await clock.advance(60_000);
  expect(gates).toHaveLength(0);
  back();
  await answer();
  await clock.advance(60_000);
  expect(gates).toHaveLength(0);
  guarantee.end();
});
