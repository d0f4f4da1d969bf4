/** The file: whose it is, in which state, and what is said when it cannot be used. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { systemChance } from "../../src/chance.js";
import { hasWalResetBug } from "../../src/store/sqlite/connect.js";
import { defaultStorePath } from "../../src/store/sqlite/paths.js";
import { createMemoryDatabase } from "../../src/store/sqlite/store.js";
import { pretendingDriver, pushOne, test } from "./kit.js";
import { lookArgs } from "./processes.js";
import { openRaw, rowsOf } from "./raw.js";

describe("a store file", () => {
  test("with a newer layout is refused, with what to do", async ({ kit }) => {
    const store = kit.store();
    await store.open();
    await store.close();
    const raw = await openRaw(kit.path);
    raw.exec("PRAGMA user_version = 4");
    raw.close();
    const before = readFileSync(kit.path);
    await expect(kit.store().open()).rejects.toMatchObject({
      code: "LAYOUT_NEWER",
      value: 4,
      fix: expect.stringContaining("update schedule-mq"),
    });
    expect(readFileSync(kit.path).equals(before)).toBe(true);
  });

  test("that is another program's database is refused and left as it is", async ({ kit }) => {
    const raw = await openRaw(kit.path);
    raw.exec("CREATE TABLE theirs (a)");
    raw.close();
    const before = readFileSync(kit.path);
    await expect(kit.store().open()).rejects.toMatchObject({
      code: "STORE_DAMAGED",
      message: expect.stringContaining(kit.path),
    });
    expect(readFileSync(kit.path).equals(before)).toBe(true);
  });

  test("that is no database is refused by every verb, with its path", async ({ kit }) => {
    writeFileSync(kit.path, "this is a text, and not a short one. ".repeat(200));
    const store = kit.store();
    const expected = { code: "STORE_DAMAGED", message: expect.stringContaining(kit.path) };
    await expect(store.open()).rejects.toMatchObject(expected);
    await expect(pushOne(store)).rejects.toMatchObject(expected);
    expect(store.health().connected).toBe(false);
  });

  test("whose pages are damaged says so, and is used again once it is restored", async ({
    kit,
  }) => {
    const store = kit.store();
    for (let n = 0; n < 50; n += 1)
      await pushOne(store, { id: `${n}`, payload: "x".repeat(3_000) });
    await store.close();
    const raw = await openRaw(kit.path);
    raw.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
    raw.close();
    const copy = join(kit.folder, "copy");
    copyFileSync(kit.path, copy);
    const bytes = readFileSync(kit.path);
    bytes.fill(0xff, 4_096);
    writeFileSync(kit.path, bytes);
    await expect(store.get({ taskId: "t", id: "7" })).rejects.toMatchObject({
      code: "STORE_DAMAGED",
      message: expect.stringContaining(kit.path),
    });
    await store.close();
    copyFileSync(copy, kit.path);
    expect(await store.get({ taskId: "t", id: "7" })).toMatchObject({ state: "ready" });
  });

  test("that is deleted under a running scheduler is made anew, and that is told", async ({
    kit,
  }) => {
    const store = kit.store();
    const changes: unknown[] = [];
    store.onConnection((change) => changes.push(change));
    await pushOne(store, { id: "a" });
    rmSync(kit.folder, { recursive: true });
    kit.clock.advance(2_000);
    expect(await pushOne(store, { id: "a" })).toMatchObject({ created: true });
    expect(await rowsOf(kit.path, "SELECT id FROM known_id")).toEqual([{ id: "a" }]);
    expect(changes).toMatchObject([{ kind: "lost" }, { kind: "back", emptied: true }]);
  });

  test("in a folder that cannot be made is unreachable, and the path is named", async ({ kit }) => {
    writeFileSync(join(kit.folder, "file"), "");
    const path = join(kit.folder, "file", "below", "store.db");
    await expect(kit.store({ target: { path } }).open()).rejects.toMatchObject({
      code: "STORE_UNREACHABLE",
      message: expect.stringContaining(join(kit.folder, "file")),
    });
  });

  test("separates the applications that use it by their prefix", async ({ kit }) => {
    const [a, b] = [kit.store({ prefix: "a:" }), kit.store({ prefix: "b:" })];
    expect(await pushOne(a, { id: "x" })).toMatchObject({ created: true });
    expect(await b.get({ taskId: "t", id: "x" })).toBeNull();
    expect(await b.look(lookArgs())).toMatchObject({
      taskIds: [],
    });
    expect(await pushOne(b, { id: "x" })).toMatchObject({ created: true });
    expect(await a.counts({ taskId: "t" })).toMatchObject({ ready: 1 });
  });

  test("says where it is and what survives", async ({ kit }) => {
    const { description, warnings } = await kit.store().open();
    expect(description).toContain(kit.path);
    expect(description).toContain("journal wal");
    expect(description).toContain("power cut");
    expect(warnings).toEqual([]);
  });
});

describe("a SQLite that can lose pages in WAL", () => {
  test("is known by its version", () => {
    const affected = ["3.7.0", "3.40.1", "3.44.5", "3.45.1", "3.50.6", "3.51.0", "3.51.2"];
    const sound = ["3.44.6", "3.44.9", "3.50.7", "3.51.3", "3.52.0", "3.53.4"];
    expect(affected.map(hasWalResetBug)).toEqual(affected.map(() => true));
    expect(sound.map(hasWalResetBug)).toEqual(sound.map(() => false));
  });

  test("uses a rollback journal, says so, and works", async ({ kit }) => {
    const store = kit.store({ driver: await pretendingDriver("3.45.1") });
    const { warnings } = await store.open();
    expect(warnings).toEqual([expect.stringContaining("3.45.1")]);
    await pushOne(store, { id: "a" });
    expect(await store.get({ taskId: "t", id: "a" })).toMatchObject({ state: "ready" });
    expect(existsSync(`${kit.path}-wal`)).toBe(false);
  });

  test("keeps later ones out of WAL for a while, and then lets them in", async ({ kit }) => {
    const old = kit.store({ driver: await pretendingDriver("3.45.1") });
    await pushOne(old);
    await old.close();
    const next = kit.store();
    expect((await next.open()).warnings).toEqual([expect.stringContaining("journal mode")]);
    await next.close();
    kit.clock.advance(31 * 86_400_000);
    const { description, warnings } = await kit.store().open();
    expect(description).toContain("journal wal");
    expect(warnings).toEqual([]);
  });
});

describe("memory", () => {
  test("is each store's own", async ({ kit }) => {
    const [a, b] = [kit.store({ target: "memory" }), kit.store({ target: "memory" })];
    await pushOne(a, { id: "x" });
    expect(await b.get({ taskId: "t", id: "x" })).toBeNull();
  });

  test("is shared through a handle, and outlives a close", async ({ kit }) => {
    const target = createMemoryDatabase({ clock: kit.clock, chance: systemChance });
    const [a, b] = [kit.store({ target }), kit.store({ target })];
    await pushOne(a, { id: "x" });
    await a.close();
    expect(await b.get({ taskId: "t", id: "x" })).toMatchObject({ state: "ready" });
    await b.close();
    expect(await a.get({ taskId: "t", id: "x" })).toMatchObject({ state: "ready" });
  });
});

describe("the default place", () => {
  test("is beside the nearest package.json upward, else in the folder itself", ({ kit }) => {
    const deep = join(kit.folder, "a", "b");
    mkdirSync(deep, { recursive: true });
    writeFileSync(join(kit.folder, "package.json"), "{}");
    expect(defaultStorePath(deep)).toBe(join(kit.folder, ".schedule-mq", "store.db"));
    writeFileSync(join(kit.folder, "a", "package.json"), "{}");
    expect(defaultStorePath(deep)).toBe(join(kit.folder, "a", ".schedule-mq", "store.db"));
    expect(defaultStorePath("/")).toBe(join("/", ".schedule-mq", "store.db"));
  });

  test("is hidden from git by the folder itself", async ({ kit }) => {
    const path = join(kit.folder, ".schedule-mq", "store.db");
    await kit.store({ target: { path } }).open();
    expect(readFileSync(join(kit.folder, ".schedule-mq", ".gitignore"), "utf8")).toBe("*\n");
    await kit.store().open();
    expect(existsSync(join(kit.folder, ".gitignore"))).toBe(false);
  });
});
