/** Sessions: opening, closing, coming back, and what the store says about its connection. */
import { describe, expect } from "vitest";
import type { ConnectionChange } from "../../../src/store/contract.js";
import { until, within } from "../../support/until.js";
import type { ContractTest } from "../suite.js";
import {
  COMPLETED,
  HOUR_MS,
  LEASE_MS,
  NO_SCHEDULES,
  names,
  newJob,
  stubborn,
  TASK,
} from "../words.js";
import type { Capabilities } from "../world.js";

export function sessionClaims(test: ContractTest, can: Capabilities): void {
  describe("a session", () => {
    openClaims(test);
    closeClaims(test);
    if (can.persistent) persistenceClaims(test);
    if (can.connection) connectionClaims(test);
  });
}

function openClaims(test: ContractTest): void {
  test("opens with the store's clock and a line for people", async ({ scene }) => {
    const store = await scene.another();
    await store.close();
    const before = await scene.world.now();
    const info = await store.open();
    expect(info.description).toMatch(/\S/);
    expect(info.description).not.toContain("\n");
    expect(info.now).toBeGreaterThanOrEqual(before);
    expect(info.now).toBeLessThanOrEqual(await scene.world.now());
    expect(Array.isArray(info.warnings)).toBe(true);
  });

  test("shares everything with the other schedulers", async ({ scene }) => {
    const other = await scene.another();
    await scene.pushNamed(["1"]);
    const held = await scene.claimOne({ store: other });
    expect(names([held])).toEqual(["1"]);
    expect(await scene.stateOf(held.id)).toBe("running");
  });

  test("says that it is connected, and when it last had an answer", async ({ scene }) => {
    await scene.pushOne();
    const health = scene.store.health();
    expect(health).toMatchObject({ connected: true, lastError: null });
    expect(health.sinceAnswerMs).toBeGreaterThanOrEqual(0);
  });
}

function closeClaims(test: ContractTest): void {
  test("that is closed is opened again by the next verb", async ({ scene }) => {
    const held = await scene.running();
    await scene.store.close();
    await scene.store.close();
    expect(scene.store.health().connected).toBe(false);
    expect(await scene.settle(held, COMPLETED)).toMatchObject({ state: "completed" });
    await scene.pushNamed(["after"]);
    expect(names(await scene.claim(1))).toEqual(["after"]);
    // The shards that these verbs did not need come by themselves.
    await until("all of the store", () => scene.store.health().connected);
  });

  test("that is closed does not give up its leases", async ({ scene }) => {
    const owner = await scene.another();
    const held = await scene.running({}, { store: owner });
    await owner.close();
    expect(await scene.claim(10)).toEqual([]);
    expect((await scene.renew([held], owner)).lost).toEqual([]);
  });

  test("that is closed and opened again goes on being woken", async ({ scene }) => {
    const store = await scene.another();
    let wakes = 0;
    store.onWake(() => {
      wakes += 1;
    });
    await store.close();
    await store.look({ taskIds: [TASK], ...NO_SCHEDULES, sleepMs: HOUR_MS });
    await scene.pushOne();
    await until("a wake-up", () => wakes > 0);
  });

  test("of one scheduler closes without the others noticing", async ({ scene }) => {
    const other = await scene.another();
    await scene.pushOne();
    await other.close();
    expect(await scene.claim(1)).toHaveLength(1);
  });

  test("ends the calls in flight: each of them resolves or rejects", async ({ scene }) => {
    const store = await scene.another();
    const calls = Array.from({ length: 20 }, () => scene.push([newJob()], store));
    const ends = Promise.allSettled(calls);
    await within("close()", store.close());
    const done = (await within("the calls", ends)).filter(({ status }) => status === "fulfilled");
    const { total } = await scene.store.counts({ taskId: TASK });
    expect(total.pushed).toBeGreaterThanOrEqual(done.length);
    expect(total.pushed).toBeLessThanOrEqual(20);
  });
}

function persistenceClaims(test: ContractTest): void {
  test("forgets nothing when all schedulers have gone", async ({ scene }) => {
    await scene.push([
      newJob({ id: "ready", payload: "1" }),
      newJob({ id: "late", due: { in: HOUR_MS } }),
      stubborn({ id: "running", taskId: "other" }),
    ]);
    const held = await scene.claimOne({ taskId: "other" });
    await scene.dead({ taskId: "third", id: "dead" });
    const firstAt = (await scene.world.now()) + HOUR_MS;
    await scene.table.code({ firstAt });
    await scene.store.close();
    const store = await scene.another();
    expect(await store.get({ taskId: TASK, id: "ready" })).toMatchObject({ payload: "1" });
    expect(await store.get({ taskId: TASK, id: "late" })).toMatchObject({ state: "scheduled" });
    expect(await store.get({ taskId: "third", id: "dead" })).toMatchObject({ state: "dead" });
    expect(await scene.table.code({ firstAt }, { store })).toMatchObject({ outcome: "unchanged" });
    expect(await scene.settle(held, COMPLETED, { store })).toMatchObject({ state: "completed" });
    const numbers = [
      (await store.get({ taskId: TASK, id: "late" }))?.number ?? "",
      (await scene.pushOne({ id: "new" }, store)).id,
    ];
    expect(((await store.get({ taskId: TASK, id: "new" }))?.number ?? "") > numbers[0]!).toBe(true);
  });
}

function connectionClaims(test: ContractTest): void {
  test("whose connection is cut says so, comes back by itself, and says so", async ({ scene }) => {
    const changes: string[] = [];
    const stop = scene.store.onConnection((change) => changes.push(change.kind));
    await scene.pushOne();
    await scene.world.cut?.();
    await until("the way back", () => changes.includes("back"));
    expect(changes.slice(0, 2)).toEqual(["lost", "back"]);
    expect(await scene.claim(10)).toHaveLength(1);
    stop();
    const heard = changes.length;
    await scene.world.cut?.();
    await until("an answer", () => scene.store.counts({ taskId: TASK }).catch(() => null));
    expect(changes).toHaveLength(heard);
  });

  test("whose connection is cut finds its data again, and says so", async ({ scene }) => {
    const changes: ConnectionChange[] = [];
    scene.store.onConnection((change) => changes.push(change));
    await scene.pushOne();
    await scene.world.cut?.();
    await until("the way back", () => changes.some(({ kind }) => kind === "back"));
    expect(changes.at(-1)).toMatchObject({ kind: "back", emptied: false });
  });

  test("whose store has lost its data says so, and goes on", async ({ scene }) => {
    const changes: ConnectionChange[] = [];
    scene.store.onConnection((change) => changes.push(change));
    const held = await scene.running();
    await scene.world.empty?.();
    await scene.world.cut?.();
    await until("the news", () => changes.some((c) => c.kind === "back" && c.emptied));
    await scene.pushNamed(["after"]);
    expect(names(await scene.claim(1))).toEqual(["after"]);
    expect(await scene.settle(held, COMPLETED)).toBe("lost");
    expect((await scene.renew([held])).lost).toHaveLength(1);
  });

  test("whose store loses its data under an open connection notices at a look", async ({
    scene,
  }) => {
    const changes: ConnectionChange[] = [];
    scene.store.onConnection((change) => changes.push(change));
    await scene.running();
    await scene.world.empty?.();
    await until("the news", async () => {
      await scene.glance();
      return changes.some((change) => change.kind === "back" && change.emptied);
    });
    await scene.pushNamed(["after"]);
    expect(names(await scene.claim(1))).toEqual(["after"]);
  });

  test("whose connection is cut goes on being woken", async ({ scene }) => {
    const store = await scene.another();
    let wakes = 0;
    store.onWake(() => {
      wakes += 1;
    });
    let back = false;
    store.onConnection((change) => {
      back ||= change.kind === "back";
    });
    await scene.world.cut?.();
    await until("the way back", () => back);
    await until("a wake-up", async () => {
      await store.look({ taskIds: [TASK], ...NO_SCHEDULES, sleepMs: HOUR_MS });
      wakes = 0;
      await until("the pusher", () => scene.pushOne().catch(() => null));
      await scene.claim(100);
      return await until("the wake-up", () => wakes > 0, 1_000).catch(() => false);
    });
  });

  test("loses no push that resolved and doubles none, however often it is cut", async ({
    scene,
  }) => {
    const stores = [scene.store, await scene.another()];
    let resolved = 0;
    for (let round = 0; round < 10; round += 1) {
      const calls = Array.from({ length: 20 }, (_, n) => scene.push([newJob()], stores[n % 2]));
      await scene.world.cut?.();
      const ends = await within("the pushes", Promise.allSettled(calls), 15_000);
      resolved += ends.filter(({ status }) => status === "fulfilled").length;
    }
    const { total, ready } = await until("an answer", () =>
      scene.store.counts({ taskId: TASK }).catch(() => null),
    );
    expect(ready).toBe(total.pushed);
    expect(total.pushed).toBeGreaterThanOrEqual(resolved);
    expect(total.pushed).toBeLessThanOrEqual(200);
  });

  test("hands out each job once, however often it is cut", async ({ scene }) => {
    await scene.push(Array.from({ length: 200 }, () => newJob()));
    const seen: string[] = [];
    for (let round = 0; round < 20; round += 1) {
      const claim = scene.claim(10).catch(() => []);
      if (round % 2 === 0) await scene.world.cut?.();
      seen.push(...(await within("the claim", claim, 15_000)).map(({ number }) => number));
    }
    expect(new Set(seen).size).toBe(seen.length);
    await scene.expire(LEASE_MS);
    await scene.reap();
    const { total, ready, dead } = await scene.store.counts({ taskId: TASK });
    expect(total.dead).toBe(dead);
    expect(ready + dead).toBe(200);
    expect(dead).toBeGreaterThanOrEqual(seen.length);
  });
}
