/** Schedules on a file: the layout before, a file that was replaced, and what a look costs. */
import { copyFileSync, rmSync } from "node:fs";
import { describe, expect } from "vitest";
import type { Store } from "../../src/store/contract.js";
import { type Kit, pushOne, test } from "./kit.js";
import { LAYOUT_1 } from "./layout-1.js";
import { fireArgs, firing, newSchedule, workArgs } from "./processes.js";
import { openRaw, rowsOf } from "./raw.js";

const REGISTRATION = { set: "one", leaseMs: 30_000 };

/** A file of the first layout with a ready job, a known id and a schedule. */
async function oldFile({ path }: Kit): Promise<void> {
  const raw = await openRaw(path);
  raw.exec(LAYOUT_1);
  raw.exec(`
    INSERT INTO space (prefix) VALUES ('kit:');
    INSERT INTO task (space, name, ready, all_pushed) VALUES (1, 't', 1, 1);
    INSERT INTO job (number, task, state, priority, place, pushed_at, head, payload)
      VALUES (7, 1, 2, 0, 7, 1, '{"i":"a"}', '"data"');
    INSERT INTO known_id (task, id, number) VALUES (1, 'a', 7);
    INSERT INTO schedule VALUES (1, 's', 1, '{}', 3, 5, NULL);
    INSERT INTO sleeper VALUES ('x', 1, 'p', ',1,', 1, NULL, NULL, 1000, 9000000000000, NULL);
    UPDATE file SET last_number = 7;
  `);
  raw.close();
}

describe("a file of the first layout", () => {
  test("is upgraded when it is opened: jobs stay, schedules come anew", async ({ kit }) => {
    await oldFile(kit);
    const store = kit.store();
    await store.open();
    expect(await store.get({ taskId: "t", id: "a" })).toMatchObject({ payload: '"data"' });
    expect(await store.schedule({ scheduleId: "s" })).toBeNull();
    const firstAt = kit.clock.now() + 1_000;
    const schedules = [newSchedule({ firstAt, overlap: "skip" })];
    const added = await store.register({ registration: REGISTRATION, schedules });
    expect(added).toMatchObject([{ outcome: "added", revision: 1 }]);
    kit.clock.advance(1_000);
    expect(await fireOnce(store)).toBe(true);
    const { batches } = await store.work(workArgs(10));
    expect(batches[0]?.jobs).toMatchObject([{ id: "a" }, { occurrence: { scheduleId: "s" } }]);
  });

  test("has the tables and columns of a new one afterwards", async ({ kit }) => {
    await oldFile(kit);
    await kit.store().open();
    const other = kit.store({ target: { path: `${kit.path}-new` } });
    await other.open();
    const sql = `SELECT t.name AS name, c.name AS part, c.type, c."notnull", c.dflt_value
      FROM sqlite_schema AS t, pragma_table_info(t.name) AS c ORDER BY t.name, c.name`;
    const indexes = "SELECT name, sql FROM sqlite_schema WHERE type = 'index' ORDER BY name";
    expect(await rowsOf(kit.path, sql)).toEqual(await rowsOf(`${kit.path}-new`, sql));
    expect(await rowsOf(kit.path, indexes)).toEqual(await rowsOf(`${kit.path}-new`, indexes));
    expect(await rowsOf(kit.path, "PRAGMA user_version")).toEqual([{ user_version: 3 }]);
  });

  test("is upgraded once by two that open it at the same time", async ({ kit }) => {
    await oldFile(kit);
    const other = kit.store({ target: { path: kit.path }, prefix: "other:" });
    await Promise.all([kit.store().open(), other.open()]);
    expect(await rowsOf(kit.path, "SELECT id FROM known_id")).toEqual([{ id: "a" }]);
  });
});

describe("a file of the second layout", () => {
  test("is upgraded when it is opened: all stays, and nothing is held back", async ({ kit }) => {
    const store = kit.store();
    await pushOne(store, { id: "a" });
    const schedules = [newSchedule({ firstAt: kit.clock.now() + 1_000 })];
    await store.register({ registration: REGISTRATION, schedules });
    await store.close();
    const birth = await rowsOf(kit.path, "SELECT birth FROM file");
    const raw = await openRaw(kit.path);
    raw.exec("ALTER TABLE space DROP COLUMN mended_to; PRAGMA user_version = 2");
    raw.close();
    kit.clock.advance(1_000);
    expect(await fireOnce(store)).toBe(true);
    expect(await store.get({ taskId: "t", id: "a" })).toMatchObject({ state: "ready" });
    expect(await store.tend({ urgent: true })).toMatchObject({ more: false });
    expect(await rowsOf(kit.path, "SELECT birth FROM file")).toEqual(birth);
    expect(await rowsOf(kit.path, "PRAGMA user_version")).toEqual([{ user_version: 3 }]);
  });
});

describe("a file that was replaced under a running scheduler", () => {
  test("by a new one fires nothing for five seconds", async ({ kit }) => {
    const store = kit.store();
    await pushOne(store);
    rmSync(kit.folder, { recursive: true });
    await expectHold(store, kit);
  });

  test("by an older copy of itself does neither", async ({ kit }) => {
    const store = kit.store();
    await pushOne(store);
    const raw = await openRaw(kit.path);
    raw.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
    raw.close();
    const copy = `${kit.path}-copy`;
    copyFileSync(kit.path, copy);
    for (const end of ["", "-wal", "-shm"]) rmSync(kit.path + end, { force: true });
    copyFileSync(copy, kit.path);
    await expectHold(store, kit);
  });
});

/** What is due there fires five seconds after it was seen to be another file, and not before. */
async function expectHold(store: Store, { clock }: Kit): Promise<void> {
  clock.advance(2_000);
  const schedules = [newSchedule({ firstAt: clock.now() - 10, decidedAt: clock.now() - 20 })];
  await store.register({ registration: REGISTRATION, schedules });
  const held = await store.look(fireArgs({ taskIds: [], sleepMs: 60_000 }));
  expect(held).toMatchObject({ schedules: [], waitMs: 5_000 });
  expect(await fireOnce(store)).toBe(false);
  clock.advance(5_000);
  expect(await fireOnce(store)).toBe(true);
}

async function fireOnce(store: Store): Promise<boolean> {
  const { nextAt: seenAt } = (await store.schedule({ scheduleId: "s" })) ?? { nextAt: null };
  const decisions = [firing(seenAt ?? 0)];
  const fires = [{ scheduleId: "s", revision: 1, seenAt, nextAt: null, decisions }];
  const [answer] = await store.fire({ taskId: "t", fires, keep: workArgs(0).keep });
  return answer !== null;
}

describe("a look", () => {
  test("finds the one that it can fire among 20,000 due ones that it cannot", async ({ kit }) => {
    const store = kit.store();
    const firstAt = kit.clock.now() + 1_000;
    const others = Array.from({ length: 20_000 }, (_, n) =>
      newSchedule({ firstAt, scheduleId: `o${n}`, taskId: "other" }),
    );
    const mine = newSchedule({ firstAt: firstAt + 1 });
    await store.register({ registration: null, schedules: [...others, mine] });
    kit.clock.advance(2_000);
    const { schedules } = await store.look(fireArgs());
    expect(schedules).toMatchObject([{ scheduleId: "s" }]);
  });
});
