/**
 * Claims about the rights that protocol/PROTOCOL.md lists: they are the scripts' own, and enough.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Store } from "../../src/store/contract.js";
import { startServer, type TestServer } from "../support/servers.js";
import { drain, job, KEEP, LEASE_MS, listed, NO_SCHEDULES, storeOn } from "./store-kit.js";

const PROTOCOL = join(import.meta.dirname, "../../protocol");

/** Every upper-case word in quotes that a script hands to the server or keeps to hand over. */
function used(): string[] {
  const folders = [join(PROTOCOL, "lua"), join(PROTOCOL, "lua/lib")];
  const texts = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith(".lua") && name !== "now-test.lua")
      .map((name) => readFileSync(join(folder, name), "utf8")),
  );
  const calls = /redis\.call\(\s*'([A-Z]+(?:', 'NUMSUB)?)'|'((?:Z|L)[A-Z]*(?:RANGE|RANK))'/g;
  const found = texts.flatMap((text) => [...text.matchAll(calls)].map((m) => m[1] ?? m[2] ?? ""));
  return [...new Set(found.map((name) => name.replace("', '", " ")))].sort();
}

let server: TestServer;
let admin: Redis;
beforeAll(async () => {
  server = await startServer();
  admin = new Redis({ host: server.host, port: server.port });
});
afterAll(async () => {
  admin?.disconnect();
  await server?.stop();
});

test("the list is what the scripts use, no more and no less", () => {
  expect(listed()).toEqual(used());
});

test("a user with no other rights pushes, claims, settles, lists and cancels", async () => {
  const commands = ["eval", "evalsha", "publish", "subscribe", "script|exists", "script|load"];
  const rights = [...commands, ...listed().map((name) => name.toLowerCase().replace(" ", "|"))];
  await admin.call(
    ...(["ACL", "SETUSER", "scheduler", "on", ">secret", "resetkeys", "~_test:*"] as const),
    ...["resetchannels", "&_test:*", "-@all", ...rights.map((name) => `+${name}`)],
  );
  const { host, port } = server;
  const store = storeOn({ host, port, username: "scheduler", password: "secret" });
  try {
    const info = await store.open();
    expect(info.description).toContain("unknown");
    store.onWake(() => {});
    await store.look({ taskIds: ["a"], ...NO_SCHEDULES, sleepMs: 1_000 });
    const due = { in: 60_000 };
    const jobs = [job("a"), job("a", { id: "x", due }), job("a", { id: "y" }), job("a")];
    await store.push({ jobs, timeoutMs: 5_000 });
    expect(await store.cancel({ taskId: "a", id: "x", keep: KEEP })).toMatchObject({
      state: "cancelled",
    });
    expect(
      (await store.list({ taskId: "a", state: "ready", cursor: null, limit: 2 })).jobs,
    ).toHaveLength(2);
    const work = { settles: [], idle: false, leaseMs: LEASE_MS, keep: KEEP };
    const { batches } = await store.work({ ...work, claims: [{ taskId: "a", limit: 1 }] });
    const leases = [{ fence: batches[0]?.fence ?? "", taskId: "a" }];
    expect((await store.renew({ leases, progress: [] })).lost).toEqual([]);
    expect(await drain(store, "a")).toHaveLength(2);
    expect((await store.redrive({ taskId: "a", id: "x" }))?.redriven).toBe(true);
    await firesOne(store);
    expect(await store.prune({ taskIds: ["a"], keep: KEEP })).toBe(false);
  } finally {
    await store.close();
  }
});

/** A schedule that is due once is registered, paused, resumed and fired. */
async function firesOne(store: Store): Promise<void> {
  const { now } = await store.look({ taskIds: [], ...NO_SCHEDULES, sleepMs: 1_000 });
  const text = { definition: "1", digest: "1", payload: "" };
  const times = { jitterMs: 0, firstAt: now, decidedAt: 0, generation: null };
  const { rules } = job("a");
  const schedule = { scheduleId: "s", taskId: "a", ...text, ...times, rules, local: false };
  await store.register({ registration: null, schedules: [{ ...schedule, overlap: "skip" }] });
  const pause = { until: null, reason: "", orphaned: false };
  await store.pause({ scheduleId: "s", pause, revision: 1 });
  await store.pause({ scheduleId: "s", pause: null, revision: 2 });
  expect((await store.tend({ urgent: true })).doubtful).toEqual([]);
  expect((await store.schedules({ taskId: null, cursor: null, limit: 2 })).schedules).toHaveLength(
    1,
  );
  const decision = { kind: "fire", scheduledFor: now, isCatchup: false, missedCount: 0 } as const;
  const fire = { scheduleId: "s", revision: 3, seenAt: now, nextAt: null, decisions: [decision] };
  expect(await store.fire({ taskId: "a", fires: [fire], keep: KEEP })).not.toEqual([null]);
  expect(await store.remove({ scheduleId: "s", revision: null })).toBe("removed");
}

test("a right that is missing within a step is said, and not taken for an outage", async () => {
  await admin.call(
    ...(["ACL", "SETUSER", "lame", "on", ">secret", "~*", "&*", "+@all", "-lpop"] as const),
  );
  const { host, port } = server;
  const store = storeOn({ host, port, username: "lame", password: "secret" }, "_lame:");
  try {
    await store.push({ jobs: [job("a")], timeoutMs: 5_000 });
    const claims = [{ taskId: "a", limit: 1 }];
    const args = { settles: [], claims, idle: true, leaseMs: LEASE_MS, keep: KEEP };
    await expect(store.work(args)).rejects.toMatchObject({
      code: "STORE_FAILED",
      fix: expect.stringContaining("lacks a right"),
    });
  } finally {
    await store.close();
  }
});
