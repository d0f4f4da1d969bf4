/**
 * A claim that the disk does not confirm goes back. What else the call did has happened, whatever
 * becomes of that.
 */
import { afterEach, expect, test } from "vitest";
import { type Clock, systemClock } from "../../src/clock.js";
import type { Store } from "../../src/store/contract.js";
import { DurableStore, type Surety } from "../../src/store/redis/durable.js";
import { Scene } from "../contract/scene.js";
import {
  COMPLETED,
  heldOf,
  KEEP,
  NO_SCHEDULES,
  newJob,
  settleOf,
  stubborn,
  TASK,
} from "../contract/words.js";
import { createHandClock } from "../support/hand-clock.js";
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

/** A call that hands back fails as long as this says so: nothing of it arrives. */
function failing(store: Store, fails: () => boolean): Store {
  return new Proxy(store, {
    get(target, name) {
      if (name !== "work") return Reflect.get(target, name);
      return (args: Parameters<Store["work"]>[0]) => {
        const hands = args.settles.some(({ outcome }) => outcome.kind === "handBack");
        if (!hands || !fails()) return target.work(args);
        return Promise.reject(new Error("the connection was lost"));
      };
    },
  });
}

async function sceneHere(): Promise<Scene> {
  const world = await redisWorld(server());
  endings.push(() => world.close());
  const scene = await Scene.begin(world);
  endings.push(() => scene.store.close());
  return scene;
}

function durable(store: Store, clock: Clock, disk: Surety = barrier): DurableStore {
  const durable = new DurableStore({ store, barrier: disk, clock, owners: () => [] });
  endings.push(() => durable.close());
  return durable;
}

const WORK = { idle: false, leaseMs: 30_000, keep: KEEP };

async function isBack(scene: Scene): Promise<boolean> {
  return (await scene.store.counts({ taskId: TASK })).ready === 1;
}

test("a hand-back that fails loses neither what was settled nor what may begin", async () => {
  const scene = await sceneHere();
  const first = await scene.running();
  let left = 2;
  const fails = () => left > 0 && left-- > 0;
  const store = durable(failing(scene.store, fails), systemClock);
  await scene.push([newJob({ payload: '"once"' }), stubborn({ payload: '"again"' })]);
  const { settled, batches } = await store.work({
    settles: [settleOf(first, COMPLETED)],
    claims: [{ taskId: TASK, limit: 10 }],
    ...WORK,
  });
  expect(settled).toEqual([{ state: "completed", dueAt: null }]);
  expect(heldOf(batches).map(({ payload }) => payload)).toEqual(['"again"']);
  await until("it to be back in line", () => isBack(scene));
  const again = await scene.claimOne();
  expect(again).toMatchObject({ payload: '"once"', counts: { handOffs: 1, crashes: 0 } });
});

test("it is tried for as long as others keep the lease, which does not end by itself", async () => {
  const scene = await sceneHere();
  const clock = createHandClock();
  let [isAway, tries] = [true, 0];
  const fails = () => {
    tries += 1;
    return isAway;
  };
  const store = durable(failing(scene.store, fails), clock);
  await scene.push([newJob({ payload: '"once"' }), stubborn({ payload: '"again"' })]);
  const claims = [{ taskId: TASK, limit: 10 }];
  const { batches } = await store.work({ settles: [], claims, ...WORK });
  const [beside] = heldOf(batches);
  // The job that runs beside it is renewed: the store has the lease, however much time has passed.
  clock.advance(10 * WORK.leaseMs);
  const before = tries;
  await until("more tries", () => tries > before + 2);
  isAway = false;
  await until("it to be back in line", () => isBack(scene));
  expect(await scene.settle(beside!, COMPLETED)).toMatchObject({ state: "completed" });
});

test("who has closed the store hears no more of it: nothing is tried again", async () => {
  const scene = await sceneHere();
  let tries = 0;
  const fails = () => {
    tries += 1;
    return true;
  };
  const waiting: (() => void)[] = [];
  const after: Clock["after"] = (_ms, run) => {
    waiting.push(run);
    return { cancel: () => {} };
  };
  const store = durable(failing(scene.store, fails), { ...systemClock, after });
  await scene.push([newJob()]);
  await store.work({ settles: [], claims: [{ taskId: TASK, limit: 1 }], ...WORK });
  expect([tries, waiting.length]).toEqual([1, 1]);
  await store.close();
  // Opened again, and tried again by whoever is in there now.
  await store.open();
  waiting[0]?.();
  await new Promise((resolve) => setImmediate(resolve));
  expect([tries, waiting.length]).toEqual([1, 1]);
});

test("who closes it while the disk is waited for leaves nothing behind that tries", async () => {
  const scene = await sceneHere();
  let tries = 0;
  const fails = () => {
    tries += 1;
    return true;
  };
  let timers = 0;
  const after: Clock["after"] = () => {
    timers += 1;
    return { cancel: () => {} };
  };
  let asked: (() => void) | undefined;
  const isAsked = new Promise<void>((resolve) => {
    asked = resolve;
  });
  let close = () => {};
  const wait = () =>
    new Promise<never>((_, reject) => {
      close = () => reject(new Error("closed"));
      asked?.();
    });
  const disk = { ...barrier, wait, close: () => close() };
  const store = durable(failing(scene.store, fails), { ...systemClock, after }, disk);
  await scene.push([newJob()]);
  const claimed = store.work({ settles: [], claims: [{ taskId: TASK, limit: 1 }], ...WORK });
  await isAsked;
  await store.close();
  expect(heldOf((await claimed).batches)).toEqual([]);
  await new Promise((resolve) => setImmediate(resolve));
  expect([tries, timers]).toEqual([1, 0]);
});

test("who hands back is not woken for it, and sleeps again after the next look", async () => {
  const scene = await sceneHere();
  const other = await scene.world.open();
  endings.push(() => other.close());
  const sleep = { taskIds: [TASK], ...NO_SCHEDULES, sleepMs: 60_000 };
  const woken: string[] = [];
  scene.store.onWake(({ kind }) => kind === "task" && woken.push("itself"));
  other.onWake(({ kind }) => kind === "task" && woken.push("other"));
  const claim = { settles: [], claims: [{ taskId: TASK, limit: 1 }], ...WORK };
  for (let round = 1; round <= 8; round += 1) {
    await scene.push([newJob()]);
    const [job] = heldOf((await scene.store.work(claim)).batches);
    for (const store of [other, scene.store]) await store.look(sleep);
    woken.length = 0;
    await scene.settle(job!, { kind: "handBack" });
    await until("somebody to hear of it", () => woken.length > 0);
    expect(woken).toEqual(["other"]);
    const [again] = heldOf((await other.work(claim)).batches);
    await other.work({ ...claim, settles: [settleOf(again!, COMPLETED)], claims: [] });
  }
  await scene.store.look(sleep);
  woken.length = 0;
  await scene.push([newJob()]);
  await until("it to be woken", () => woken.includes("itself"));
});
