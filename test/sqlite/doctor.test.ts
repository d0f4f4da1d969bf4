/** Claims about `doctor()` on the embedded store: real files, each wrong in one way. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createScheduler } from "../../src/index.js";
import { ofKind } from "../../src/store/sqlite/doctor.js";
import type { Finding, Scheduler, SchedulerOptions } from "../../src/types.js";
import { openRaw, rowsOf } from "./raw.js";

let folder = "";
let path = "";
const endings: (() => Promise<unknown>)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "schedule-mq-doctor-"));
  path = join(folder, "store.db");
});
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
  rmSync(folder, { recursive: true, force: true });
});

function schedulerOn(options: SchedulerOptions = {}): Scheduler {
  const scheduler = createScheduler({ store: { path }, logger: false, ...options });
  scheduler.on("error", () => {});
  endings.push(() => scheduler.stop());
  return scheduler;
}

async function found(scheduler: Scheduler): Promise<Record<string, Finding>> {
  const { findings } = await scheduler.doctor();
  return Object.fromEntries(findings.map((finding) => [finding.code, finding]));
}

/** A store that was used once. */
async function used(): Promise<void> {
  const scheduler = schedulerOn();
  await scheduler.push("a");
  await scheduler.stop();
}

test("a sound file has nothing to be mended", async () => {
  await used();
  const { ok, findings } = await schedulerOn().doctor();
  expect(ok).toBe(true);
  expect(findings.map(({ code }) => code).sort()).toEqual([
    ...["DISK_SPACE", "FILE_RIGHTS", "FILE_SYSTEM", "FSYNC", "JOURNAL", "LAYOUT"],
    ...["SQLITE_VERSION", "STORE_REACHABLE", "UNBOUND_TASKS"],
  ]);
  expect(findings.find(({ code }) => code === "FSYNC")).toMatchObject({ level: "ok" });
});

test("a file that is not there yet is not made", async () => {
  const { LAYOUT, STORE_REACHABLE } = await found(schedulerOn());
  expect(LAYOUT).toMatchObject({ level: "info" });
  expect(STORE_REACHABLE).toBeUndefined();
  expect(() => readFileSync(path)).toThrow("ENOENT");
});

test.each([
  [1, "warning"],
  [99, "error"],
])("layout %i is found, and left as it is", async (version, level) => {
  await used();
  const raw = await openRaw(path);
  raw.exec(`PRAGMA user_version = ${version}`);
  raw.close();
  const { LAYOUT, STORE_REACHABLE } = await found(schedulerOn());
  expect(LAYOUT).toMatchObject({ level });
  expect(STORE_REACHABLE).toBeUndefined();
  expect(await rowsOf(path, "PRAGMA user_version")).toEqual([{ user_version: version }]);
});

test("a file of something else is found, and so is a damaged one", async () => {
  const raw = await openRaw(path);
  raw.exec("CREATE TABLE other (a)");
  raw.close();
  const other = (await found(schedulerOn())).LAYOUT;
  expect(other).toMatchObject({ level: "error", value: "STORE_DAMAGED" });
  writeFileSync(path, "a text of somebody's own, longer than the header of a database".repeat(99));
  const damaged = (await found(schedulerOn())).LAYOUT;
  expect(damaged).toMatchObject({ level: "error", value: "STORE_DAMAGED" });
});

test("a file that everybody may change is found", async () => {
  await used();
  chmodSync(path, 0o666);
  expect((await found(schedulerOn())).FILE_RIGHTS).toMatchObject({
    level: "warning",
    value: "0666",
  });
});

test("file systems of other machines are found by their kind", () => {
  expect(ofKind(0x6969)).toMatchObject({ level: "error", value: "NFS" });
  expect(ofKind(-11_317_950)).toMatchObject({ level: "error", value: "SMB" });
  expect(ofKind(0x65735546)).toMatchObject({ level: "unknown" });
  expect(ofKind(0xef53)).toMatchObject({ level: "ok" });
});

test("less than the disk's word, or a memory, is told", async () => {
  await used();
  expect((await found(schedulerOn({ durability: "store" }))).FSYNC).toMatchObject({
    level: "info",
    value: "store",
  });
  const memory = await found(schedulerOn({ store: "memory" }));
  expect(memory.FSYNC).toMatchObject({ level: "info", value: "memory" });
  expect(memory.DISK_SPACE).toBeUndefined();
});

test("a task with jobs is unbound until somebody has bound it", async () => {
  const pusher = schedulerOn();
  await pusher.push("lonely");
  await pusher.push("later", { delay: "1h" });
  expect((await found(pusher)).UNBOUND_TASKS).toMatchObject({
    level: "warning",
    value: ["lonely"],
  });
  const worker = schedulerOn();
  worker.bind("lonely", () => {});
  await worker.start();
  expect((await found(pusher)).UNBOUND_TASKS).toMatchObject({ level: "ok" });
});
