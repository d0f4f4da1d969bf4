/** Claims about a store that goes away and comes back. */
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { startFaultProxy } from "../support/fault-proxy.js";
import { until } from "../support/until.js";
import { type Fleet, withFleet } from "./kit/fleet.js";
import { readLedger, tally } from "./kit/journal.js";
import { lasting } from "./kit/lasting.js";
import { OUTAGES } from "./kit/worlds.js";

const LEASE_MS = 1_000;
/** Within this time a live instance works again. */
const BACK_MS = 5_000;

describe.concurrent.each(OUTAGES)("with %s", (_name, kind, takeAway) => {
  test("running jobs are taken from nobody, however long it lasts", () =>
    withFleet({ kind, options: { lease: LEASE_MS, pollInterval: 200 } }, async (fleet) => {
      const tasks = { task: { concurrency: 3 } };
      await Promise.all([fleet.worker({ tasks }), fleet.worker({ tasks })]);
      const data = { plan: [5 * LEASE_MS] };
      const once = Array.from({ length: 5 }, () => ({ data }));
      await fleet.scheduler.pushMany("task", [...once, { data, retry: true, retryTimeout: 1 }]);
      await until("all run", () => fleet.journal.starts().length === 6, 10_000);
      expect(new Set(fleet.journal.starts().map(({ pid }) => pid)).size).toBe(2);
      const giveBack = await takeAway(fleet.world);
      await lasting(3 * LEASE_MS);
      await giveBack();
      const ended = async () => (await fleet.scheduler.jobs.counts("task")).total.completed === 6;
      await until("all are completed", ended, 10_000);
      expect(fleet.journal.starts()).toHaveLength(6);
      expect(fleet.journal.ends()).toHaveLength(6);
      expect(fleet.journal.aborts()).toEqual([]);
      const { total } = await fleet.scheduler.jobs.counts("task");
      expect(total).toMatchObject({ dead: 0, crashes: 0, failures: 0 });
    }));

  test("a scheduler that starts meanwhile waits for it, and works when it is back", () =>
    withFleet({ kind }, async (fleet) => {
      const id = await fleet.push();
      const giveBack = await takeAway(fleet.world);
      const early = fleet.launch();
      // A locked file is no loss yet: it waits for the lock.
      await early.hears(kind === "redis" ? "store:lost" : "starting");
      await lasting(500);
      expect(early.has("started")).toBe(false);
      await giveBack();
      await early.hears("started", BACK_MS);
      await until("it works", () => fleet.journal.ends({ jobId: id })[0], BACK_MS);
    }));
});

test.concurrent("a connection that is made and never answered is given up for another one", () =>
  withFleet({ kind: "redis" }, async (fleet) => {
    const proxy = await startFaultProxy(fleet.world.server);
    try {
      proxy.set("blackHole");
      const redisConfig = { host: "127.0.0.1", port: proxy.port };
      const worker = fleet.launch({ scheduler: { redisConfig } });
      await until("it is connected", () => proxy.connections() > 0, 10_000);
      await lasting(500);
      // This connection stays as it is: what was asked for on it is lost.
      proxy.set("none");
      await worker.hears("started", BACK_MS);
    } finally {
      await proxy.close();
    }
  }));

const again = { retry: true, retryTimeout: 1 };
const kinds = [
  { taskId: "once", push: { data: { plan: [20] } } },
  { taskId: "again", push: { data: { plan: [20] }, ...again } },
];

test.concurrent("a scheduler that must connect does not wait for a Redis that is away", () =>
  withFleet({ kind: "redis" }, async (fleet) => {
    await fleet.world.server.crash();
    const strict = fleet.launch({ start: { mustConnect: true } });
    expect(await strict.hears("failed")).toMatchObject({ code: "STORE_UNREACHABLE" });
    expect(await strict.ends(5_000)).toEqual({ code: 0, signal: null });
  }));

describe.concurrent("with a Redis that is killed and brought back under load", () => {
  test("nothing acknowledged is lost, retry-off jobs run once, all work again in seconds", () =>
    withFleet({ kind: "redis" }, async (fleet) => {
      const ledger = join(fleet.world.folder, "ledger");
      const workers = [0, 1].map(() => fleet.worker({ tasks: ["once", "again"] }));
      await Promise.all(workers);
      const pusher = fleet.run("pusher", { ledger, kinds, everyMs: 4 });
      for (let crashes = 0; crashes < 3; crashes += 1) {
        const before = fleet.journal.ends().length;
        await until("some work", () => fleet.journal.ends().length > before + 100, 10_000);
        await fleet.world.server.crash();
        await lasting(300 * crashes);
        await fleet.world.restart();
        const backAt = Date.now();
        await everybodyWorksAgain(fleet, ledger, backAt);
      }
      pusher.tell("stop");
      await pusher.hears("finished", 15_000);
      await allAcknowledgedRun(fleet, ledger);
    }));
});

async function everybodyWorksAgain(fleet: Fleet, ledger: string, backAt: number): Promise<void> {
  const pushed = () => readLedger(ledger).some(({ at, what }) => at > backAt && what === "ok");
  await until("a push is stored again", pushed, BACK_MS);
  for (const { pid } of fleet.members.slice(0, 2)) {
    const works = () => fleet.journal.starts({ pid }).some(({ at }) => at > backAt);
    await until(`process ${pid} works again`, works, BACK_MS - (Date.now() - backAt));
  }
}

async function allAcknowledgedRun(fleet: Fleet, ledger: string): Promise<void> {
  const stored = readLedger(ledger).filter(({ what }) => what === "ok");
  expect(stored.length).toBeGreaterThan(300);
  const missing = () => {
    const ran = tally(fleet.journal.ends());
    return stored.filter(({ name }) => !ran.has(name)).length;
  };
  await until("all that was acknowledged has run", () => missing() === 0, 15_000);
  const twice = [...tally(fleet.journal.starts({ taskId: "once" }))].filter(([, n]) => n > 1);
  expect(twice).toEqual([]);
}
