/** Group commit: a turn of the event loop is one transaction; who fails, fails alone. */
import { join } from "node:path";
import { describe, expect } from "vitest";
import { systemClock } from "../../src/clock.js";
import { pushOne, test } from "./kit.js";
import { fireArgs, newJob, workArgs } from "./processes.js";
import { openRaw } from "./raw.js";

describe("group commit", () => {
  test("takes all verbs of one turn, of all stores, into one transaction", async ({ kit }) => {
    const [first, second] = [kit.store(), kit.store()];
    await Promise.all([first.open(), second.open()]);
    const database = kit.database();
    const before = database.commits;
    const answers = await Promise.all([
      ...Array.from({ length: 50 }, (_, n) => pushOne(n % 2 === 0 ? first : second)),
      first.work(workArgs(10)),
      second.renew({ leases: [], progress: [] }),
      second.counts({ taskId: "t" }),
    ]);
    expect(database.commits - before).toBe(1);
    expect(answers.at(-3)).toMatchObject({ batches: [{ jobs: { length: 10 } }] });
    expect(answers.at(-1)).toMatchObject({ ready: 40, running: 10 });
  });

  test("commits nothing for a turn that only reads", async ({ kit }) => {
    const store = kit.store();
    const { id } = await pushOne(store);
    const database = kit.database();
    const before = database.commits;
    await Promise.all([store.get({ taskId: "t", id }), store.counts({ taskId: "t" })]);
    expect(database.commits).toBe(before);
  });

  test("writes nothing for an idle look that changes nothing", async ({ kit }) => {
    const store = kit.store();
    const look = fireArgs({ fireable: { taskIds: ["t"], scheduleIds: ["s"] } });
    await store.look(look);
    const database = kit.database();
    const before = database.commits;
    for (let n = 0; n < 2; n += 1) {
      kit.clock.advance(1_000);
      expect((await store.look(look)).waitMs).toBe(1_000);
    }
    expect(database.commits).toBe(before);
  });

  test("answers after the commit: another connection sees what was answered", async ({ kit }) => {
    const store = kit.store();
    const { id } = await pushOne(store, { id: "a" });
    const raw = await openRaw(kit.path);
    expect(raw.prepare("SELECT id FROM known_id").all()).toEqual([{ id }]);
    raw.close();
  });

  test("rolls back a verb that fails half-way, and it alone", async ({ kit }) => {
    const store = kit.store();
    const broken = newJob({ id: "broken", payload: null as unknown as string });
    const results = await Promise.allSettled([
      pushOne(store, { id: "before" }),
      store.push({ jobs: [newJob({ id: "half" }), broken], timeoutMs: 5_000 }),
      store.list({ taskId: "t", state: "ready", cursor: "of no page", limit: 10 }),
      pushOne(store, { id: "after" }),
    ]);
    expect(results.map(({ status }) => status)).toEqual([
      "fulfilled",
      "rejected",
      "rejected",
      "fulfilled",
    ]);
    const { jobs } = await store.list({ taskId: "t", state: "ready", cursor: null, limit: 10 });
    expect(jobs.map(({ id }) => id)).toEqual(["before", "after"]);
    expect(await store.counts({ taskId: "t" })).toMatchObject({ ready: 2, total: { pushed: 2 } });
  });
});

describe("a file that somebody else has locked", () => {
  test("is waited for without stopping the event loop", async ({ kit }) => {
    const store = kit.store();
    await store.open();
    const raw = await openRaw(kit.path);
    raw.exec("BEGIN IMMEDIATE");
    const pushed = pushOne(store);
    let turns = 0;
    await new Promise<void>((resolve) => {
      const turn = () => {
        turns += 1;
        if (turns === 20) resolve();
        else systemClock.after(1, turn);
      };
      turn();
    });
    raw.exec("COMMIT");
    raw.close();
    expect(await pushed).toMatchObject({ created: true });
  });

  test("is given up after the push's own time: not done, and said so", async ({ kit }) => {
    const store = kit.store();
    const changes: string[] = [];
    store.onConnection(({ kind }) => changes.push(kind));
    await store.open();
    const raw = await openRaw(kit.path);
    raw.exec("BEGIN IMMEDIATE");
    const jobs = [newJob({ id: "a" })];
    await expect(store.push({ jobs, timeoutMs: 30 })).rejects.toMatchObject({
      code: "STORE_UNREACHABLE",
      message: expect.stringContaining(kit.path),
    });
    expect(store.health()).toMatchObject({ connected: false });
    raw.exec("ROLLBACK");
    raw.close();
    expect(await store.push({ jobs, timeoutMs: 5_000 })).toMatchObject([{ created: true }]);
    expect(store.health()).toMatchObject({ connected: true, lastError: null });
    expect(changes).toEqual(["lost", "back"]);
  });

  test("is given up in that time also when it is not open yet", async ({ kit }) => {
    await pushOne(kit.store());
    const other = join(kit.folder, "other.db");
    const raw = await openRaw(other);
    raw.exec("BEGIN EXCLUSIVE");
    const store = kit.store({ target: { path: other } });
    const pushed = store.push({ jobs: [newJob()], timeoutMs: 30 });
    await expect(pushed).rejects.toMatchObject({ code: "STORE_UNREACHABLE" });
    raw.exec("ROLLBACK");
    raw.close();
    expect(await pushOne(store)).toMatchObject({ created: true });
  });

  test("can still be read", async ({ kit }) => {
    const store = kit.store();
    await pushOne(store, { id: "a" });
    const raw = await openRaw(kit.path);
    raw.exec("BEGIN IMMEDIATE");
    expect(await store.get({ taskId: "t", id: "a" })).toMatchObject({ state: "ready" });
    raw.exec("ROLLBACK");
    raw.close();
  });
});

describe("close", () => {
  test("rejects what was asked for in the same turn, and stores none of it", async ({ kit }) => {
    const store = kit.store();
    await store.open();
    const pushed = pushOne(store, { id: "a" });
    await Promise.all([
      expect(pushed).rejects.toMatchObject({ code: "STORE_CLOSED" }),
      store.close(),
    ]);
    expect(await store.get({ taskId: "t", id: "a" })).toBeNull();
  });
});
