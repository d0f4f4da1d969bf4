/**
 * A claim that the disk does not confirm goes back. What else the call did has happened, whatever
 * becomes of that.
 */
import { afterEach, expect, test } from "vitest";
import { systemClock } from "../../src/clock.js";
import type { Store } from "../../src/store/contract.js";
import { DurableStore, type Surety } from "../../src/store/redis/durable.js";
import { Scene } from "../contract/scene.js";
import { COMPLETED, heldOf, KEEP, newJob, settleOf, stubborn, TASK } from "../contract/words.js";
import { redisWorld, serverForThisFile } from "../support/redis-world.js";
import { until } from "../support/until.js";

const server = serverForThisFile({ kind: "redis-server" });
const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

/** The disk never says yes. */
const barrier: Surety = {
  check: async () => {},
  wait: () => Promise.reject(new Error("not on the disk")),
  close: () => {},
  lastError: null,
};

/** A call that hands back fails so many times: nothing of it arrives. */
function failing(store: Store, times: number): Store {
  let left = times;
  return new Proxy(store, {
    get(target, name) {
      if (name !== "work") return Reflect.get(target, name);
      return (args: Parameters<Store["work"]>[0]) => {
        const hands = args.settles.some(({ outcome }) => outcome.kind === "handBack");
        if (!hands || left === 0) return target.work(args);
        left -= 1;
        return Promise.reject(new Error("the connection was lost"));
      };
    },
  });
}

test("a hand-back that fails loses neither what was settled nor what may begin", async () => {
  const world = await redisWorld(server());
  endings.push(() => world.close());
  const scene = await Scene.begin(world);
  endings.push(() => scene.store.close());
  const first = await scene.running();
  const store = new DurableStore({
    store: failing(scene.store, 2),
    barrier,
    clock: systemClock,
    owners: () => [],
  });
  endings.push(() => store.close());
  await scene.push([newJob({ payload: '"once"' }), stubborn({ payload: '"again"' })]);
  const { settled, batches } = await store.work({
    settles: [settleOf(first, COMPLETED)],
    claims: [{ taskId: TASK, limit: 10 }],
    ...{ idle: false, leaseMs: 30_000, keep: KEEP },
  });
  expect(settled).toEqual([{ state: "completed", dueAt: null }]);
  expect(heldOf(batches).map(({ payload }) => payload)).toEqual(['"again"']);
  await until("it to be back in line", async () => {
    const { ready } = await scene.store.counts({ taskId: TASK });
    return ready === 1;
  });
  const again = await scene.claimOne();
  expect(again).toMatchObject({ payload: '"once"', counts: { handOffs: 1, crashes: 0 } });
});
