/**
 * Claims about the connection: what a live scheduler does when the server goes, returns, or is odd.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ConnectionChange, Store } from "../../src/store/contract.js";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy.js";
import { freePort, startServer, type TestServer } from "../support/servers.js";
import { until } from "../support/until.js";
import { drain, job, KEEP, LEASE_MS, NO_SCHEDULES, storeOn } from "./store-kit.js";

/** What is promised after any outage. */
const BACK_WITHIN_MS = 5_000;

const stores: Store[] = [];
function keep(store: Store): Store {
  stores.push(store);
  return store;
}
function changesOf(store: Store): ConnectionChange[] {
  const changes: ConnectionChange[] = [];
  store.onConnection((change) => changes.push(change));
  return changes;
}
const push = (store: Store, timeoutMs = BACK_WITHIN_MS) =>
  store.push({ jobs: [job("a")], timeoutMs });

afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()));
});

describe("with one server", () => {
  let server: TestServer;
  let direct: Redis;
  let proxy: FaultProxy;

  beforeAll(async () => {
    server = await startServer();
    direct = new Redis({ host: server.host, port: server.port });
  });
  afterAll(async () => {
    direct?.disconnect();
    await server?.stop();
  });
  beforeEach(async () => {
    await direct.flushall();
    proxy = await startFaultProxy(server);
  });
  afterEach(async () => {
    proxy.set("none");
    await proxy.close();
  });

  const target = () => ({ host: "127.0.0.1", port: proxy.port });

  test("a half-open connection is replaced within seconds, without help", async () => {
    const store = keep(storeOn(target()));
    await store.open();
    await push(store);
    proxy.set("blackHole");
    await expect(push(store, 300)).rejects.toMatchObject({ code: "STORE_NO_ANSWER" });
    proxy.set("none");
    expect((await push(store))[0]?.created).toBe(true);
  });

  test("after FLUSHALL an idle store says that it was emptied, and goes on", async () => {
    const store = keep(storeOn(target()));
    const changes = changesOf(store);
    await store.open();
    await store.work({
      settles: [],
      claims: [{ taskId: "a", limit: 1 }],
      idle: true,
      leaseMs: LEASE_MS,
      keep: KEEP,
    });
    await push(store);
    await direct.flushall();
    await store.look({ taskIds: ["a"], ...NO_SCHEDULES, sleepMs: 1_000 });
    await until("the news", () => changes.some((c) => c.kind === "back" && c.emptied));
    expect((await push(store))[0]?.created).toBe(true);
    expect(await drain(store, "a")).toHaveLength(1);
  });

  test("after FLUSHALL a store that pushes and works all the time says so, too", async () => {
    const store = keep(storeOn(target()));
    const changes = changesOf(store);
    await store.open();
    await push(store);
    expect(await drain(store, "a")).toHaveLength(1);
    await direct.flushall();
    // Nobody looks: the lost session is met by these.
    await push(store);
    expect(await drain(store, "a")).toHaveLength(1);
    await until("the news", () => changes.some((c) => c.kind === "back" && c.emptied));
    expect(await direct.exists("_test:{0}:layout")).toBe(1);
  });

  test("a line of cancelled jobs is passed in bounded steps", async () => {
    const store = keep(storeOn(target()));
    const jobs = Array.from({ length: 2_500 }, (_, k) => job("a", { id: `j${k}` }));
    await store.push({ jobs, timeoutMs: BACK_WITHIN_MS });
    for (let k = 0; k < 2_499; k += 1) await store.cancel({ taskId: "a", id: `j${k}` });
    const claims = [{ taskId: "a", limit: 10 }];
    const args = { settles: [], claims, idle: false, leaseMs: LEASE_MS, keep: KEEP };
    const answers = [await store.work(args), await store.work(args), await store.work(args)];
    expect(answers.map(({ batches }) => batches.length)).toEqual([0, 0, 1]);
    expect(answers.map(({ more }) => more)).toEqual([["a"], ["a"], []]);
  });

  test("a full server refuses pushes with a reason, and still claims and settles", async () => {
    const store = keep(storeOn(target()));
    await store.open();
    for (let k = 0; k < 5; k += 1) await push(store);
    await direct.config("SET", "maxmemory", "1mb");
    try {
      await expect(push(store)).rejects.toMatchObject({
        code: "STORE_REFUSED",
        message: expect.stringContaining("OOM"),
      });
      expect(await drain(store, "a")).toHaveLength(5);
    } finally {
      await direct.config("SET", "maxmemory", "0");
    }
    expect((await push(store))[0]?.created).toBe(true);
  });

  test("a server that turned into a replica is left until it is a primary again", async () => {
    const store = keep(storeOn(target()));
    await store.open();
    await push(store);
    await direct.call("REPLICAOF", "127.0.0.1", "1");
    try {
      await expect(push(store, 400)).rejects.toMatchObject({ code: /^STORE_/ });
    } finally {
      await direct.call("REPLICAOF", "NO", "ONE");
    }
    expect((await push(store))[0]?.created).toBe(true);
  });

  test("a URL, options with a db, and an existing client all work", async () => {
    const client = new Redis({ host: server.host, port: server.port, db: 2, keyPrefix: "own:" });
    const targets = [
      `redis://${server.host}:${server.port}/1`,
      { host: server.host, port: server.port, db: 1 },
      client,
    ];
    for (const redis of targets) await push(keep(storeOn(redis)));
    expect(await drain(keep(storeOn({ ...server, db: 1 })), "a")).toHaveLength(2);
    expect(await drain(keep(storeOn({ ...server, db: 2 })), "a")).toHaveLength(1);
    expect(client.status).toBe("ready");
    client.disconnect();
  });

  test("data of a newer layout are refused with what to do", async () => {
    await direct.hset("_test:{0}:layout", { version: "99", shards: "1", born: "x" });
    await expect(keep(storeOn(target())).open()).rejects.toMatchObject({
      code: "LAYOUT_NEWER",
      fix: expect.stringContaining("update schedule-mq"),
    });
  });
});

test("an absent server: open fails at once, push in its time; it works when it comes", async () => {
  const port = await freePort();
  const store = keep(storeOn({ host: "127.0.0.1", port }));
  await expect(store.open()).rejects.toMatchObject({
    code: "STORE_UNREACHABLE",
    message: expect.stringContaining(`127.0.0.1:${port}`),
  });
  await expect(push(store, 200)).rejects.toMatchObject({ code: "STORE_UNREACHABLE" });
  const late = push(store);
  const server = await startServer({ port });
  try {
    expect((await late)[0]?.created).toBe(true);
  } finally {
    await store.close();
    await server.stop();
  }
});

test("open gives up in time although a push before it goes on trying", async () => {
  const port = await freePort();
  const store = keep(storeOn({ host: "127.0.0.1", port }));
  const pushed = push(store, 1_000);
  pushed.catch(() => {});
  await expect(store.open()).rejects.toMatchObject({ code: "STORE_UNREACHABLE" });
  await expect(pushed).rejects.toMatchObject({ code: "STORE_UNREACHABLE" });
});

test("a server that is killed and started again is used again within seconds", async () => {
  const server = await startServer({ args: ["--appendonly", "yes", "--appendfsync", "always"] });
  const store = keep(storeOn(server));
  const changes = changesOf(store);
  await store.open();
  await push(store);
  await server.crash();
  await until("the loss", () => changes.some((change) => change.kind === "lost"));
  const again = await startServer({
    port: server.port,
    folder: server.folder,
    args: ["--appendonly", "yes", "--appendfsync", "always"],
  });
  try {
    expect((await push(store))[0]?.created).toBe(true);
    await until("the return", () => changes.some((c) => c.kind === "back" && !c.emptied));
    expect(await drain(store, "a")).toHaveLength(2);
  } finally {
    await store.close();
    await again.stop();
    rmSync(server.folder, { recursive: true, force: true });
  }
});

test("a wrong password is refused with its reason and never shown", async () => {
  const server = await startServer();
  const admin = new Redis({ host: server.host, port: server.port });
  await admin.config("SET", "requirepass", "right-one");
  admin.disconnect();
  try {
    const wrong = keep(storeOn({ host: server.host, port: server.port, password: "wrong-one" }));
    const error = await wrong.open().catch((caught: unknown) => caught as Error);
    expect(error).toMatchObject({ code: "STORE_REFUSED" });
    expect(String(error)).not.toContain("wrong-one");
    const right = keep(storeOn(`redis://:right-one@${server.host}:${server.port}`));
    expect((await push(right))[0]?.created).toBe(true);
  } finally {
    await Promise.all(stores.splice(0).map((store) => store.close()));
    await server.stop();
  }
});

test("TLS with a certificate of one's own authority works, and a plain client fails", async () => {
  const folder = mkdtempSync(join(tmpdir(), "schedule-mq-tls-"));
  const key = join(folder, "key.pem");
  const cert = join(folder, "cert.pem");
  execFileSync(
    "openssl",
    [
      "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost",
      "-addext subjectAltName=DNS:localhost,IP:127.0.0.1",
      `-keyout ${key} -out ${cert}`,
    ]
      .join(" ")
      .split(" "),
    { stdio: "ignore" },
  );
  const tlsPort = await freePort();
  const server = await startServer({
    args: [
      `--tls-port ${tlsPort} --tls-cert-file ${cert} --tls-key-file ${key}`,
      `--tls-ca-cert-file ${cert} --tls-auth-clients no`,
    ]
      .join(" ")
      .split(" "),
  });
  try {
    const ca = readFileSync(cert, "utf8");
    const secure = keep(storeOn({ host: "127.0.0.1", port: tlsPort, tls: { ca } }));
    await secure.open();
    expect((await push(secure))[0]?.created).toBe(true);
    const plain = keep(storeOn({ host: "127.0.0.1", port: tlsPort }));
    await expect(push(plain, 500)).rejects.toMatchObject({ code: /^STORE_/ });
  } finally {
    await Promise.all(stores.splice(0).map((store) => store.close()));
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});
