/**
 * Claims about the rights that protocol/rights.json lists: they are what the texts of the scripts
 * name, also where no run gets to; and what is told where one is missing.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { published } from "../support/least-rights.js";
import { startServer, type TestServer } from "../support/servers.js";
import { job, KEEP, LEASE_MS, storeOn } from "./store-kit.js";

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
  const names = found.map((name) => name.replace("', '", "|").toLowerCase());
  return [...new Set(names)].sort();
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
  expect(published().single.inScripts).toEqual(used());
});

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
