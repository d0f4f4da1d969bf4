/**
 * Passwords, keys and payloads never stand in what the library tells: its log, events, errors with
 * all their causes, `health()`, `doctor()`, the console.
 */
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { createScheduler } from "../../src/index.js";
import type { Scheduler, SchedulerOptions } from "../../src/types.js";
import { makeCertificates } from "../support/certificates.js";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy.js";
import { freePort, startServer, type TestServer } from "../support/servers.js";
import { until } from "../support/until.js";
import { Listener } from "./listener.js";

const SECRET = "hunter2-canary-of-a-password";
const DATA = "canary-of-a-payload";
const payload = { customer: { card: DATA } };
const PREFIX = "secret:";

let server: TestServer;
let admin: Redis;
let listener: Listener;
const endings: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  server = await startServer();
  admin = new Redis({ host: server.host, port: server.port });
}, 30_000);
beforeEach(async () => {
  await admin.flushall();
  await admin.call("ACL", "SETUSER", "app", "reset", "on", `>${SECRET}`, "~*", "&*", "+@all");
  listener = new Listener();
});
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
  listener.close();
});
afterAll(async () => {
  admin?.disconnect();
  await server?.stop();
});

function schedulerOn(redisConfig: unknown, options: SchedulerOptions = {}): Scheduler {
  const scheduler = createScheduler({
    ...{ redisConfig, redisPrefix: PREFIX, logger: listener.logger, pushTimeout: "500ms" },
    ...{ pollInterval: "50ms", stopTimeout: "300ms", ...options },
  } as SchedulerOptions);
  listener.hear(scheduler);
  endings.push(() => scheduler.stop());
  return scheduler;
}

function app(over: object = {}): object {
  return { host: server.host, port: server.port, username: "app", password: SECRET, ...over };
}

/** Jobs that are pushed, and what the scheduler says of itself meanwhile. */
async function pushes(scheduler: Scheduler): Promise<void> {
  const call = (what: string, run: () => unknown) => listener.outcome(what, run);
  await Promise.all([
    call("push", () => scheduler.push("task", { data: payload, id: "one" })),
    call("pushMany", () => scheduler.pushMany("task", [{ data: payload }])),
  ]);
  await call("health", () => scheduler.health());
}

/** Schedules at run time; where the store is away, these wait for some seconds. */
async function schedules(scheduler: Scheduler): Promise<void> {
  const call = (what: string, run: () => unknown) => listener.outcome(what, run);
  const nightly = { scheduleId: "nightly", every: "1h", data: payload } as const;
  await Promise.all([
    // Its answer has the data, of course.
    call("upsert", () => scheduler.schedules.upsert("task", nightly).then(() => {})),
    call("trigger", () => scheduler.schedules.trigger("nightly")),
  ]);
}

const nothing = () => expect(listener.findsOf([SECRET, DATA])).toEqual([]);

/** Starts it, which may fail, and calls all. */
async function fails(scheduler: Scheduler): Promise<void> {
  scheduler.bind("task", () => {});
  const started = scheduler.start();
  void listener.outcome("start", () => started);
  await pushes(scheduler);
  await listener.outcome("doctor", () => scheduler.doctor());
}

test("the listener hears what is told, causes and hidden properties too", async () => {
  const deep = new Error("x", { cause: Object.assign(new Error("y"), { command: [SECRET] }) });
  Object.defineProperty(deep, "hidden", { value: DATA, enumerable: false });
  listener.note("error", deep);
  expect(listener.findsOf([SECRET])).toHaveLength(1);
  expect(listener.findsOf([DATA])).toHaveLength(1);
});

test.each([
  ["options", () => app({ password: `${SECRET}-wrong` })],
  ["a URL", () => `redis://app:${SECRET}-wrong@127.0.0.1:${server.port}`],
  ["a client", () => new Redis({ ...app({ password: `${SECRET}-w` }), lazyConnect: true })],
])("a wrong password, in %s", async (_name, config) => {
  await fails(schedulerOn(config()));
  expect(listener.has("WRONGPASS")).toBe(true);
  nothing();
});

test("a password for a server whose AUTH has another name", async () => {
  const renamed = await startServer({ args: ["--rename-command", "AUTH", ""] });
  endings.push(() => renamed.stop());
  await fails(schedulerOn(app({ port: renamed.port })));
  expect(listener.has("unknown command")).toBe(true);
  nothing();
});

test("a server that does not know EVALSHA", async () => {
  const args = ["--rename-command", "EVALSHA", "", "--rename-command", "EVAL", ""];
  const renamed = await startServer({ args });
  endings.push(() => renamed.stop());
  await fails(schedulerOn({ host: "127.0.0.1", port: renamed.port }));
  expect(listener.has("unknown command")).toBe(true);
  nothing();
});

test("a host that cannot be reached", async () => {
  const port = await freePort();
  await fails(schedulerOn(`redis://app:${SECRET}@127.0.0.1:${port}`));
  expect(listener.has("ECONNREFUSED")).toBe(true);
  nothing();
});

test("a key of TLS, for a server that speaks none and for one that is somebody else", async () => {
  const certificates = makeCertificates();
  const tlsPort = await freePort();
  const args = ["--tls-port", String(tlsPort), ...certificates.serverArgs];
  const secure = await startServer({ args });
  endings.push(async () => certificates.remove());
  endings.push(() => secure.stop());
  const { otherCa: ca, cert, key } = certificates;
  for (const port of [secure.port, tlsPort])
    await fails(schedulerOn(app({ port, tls: { ca, cert, key } })));
  expect(listener.has("STORE_UNREACHABLE")).toBe(true);
  const [, ofKey = ""] = key.split("\n");
  expect(ofKey.length).toBeGreaterThan(40);
  expect(listener.findsOf([ofKey.slice(0, 40)])).toEqual([]);
  nothing();
});

test("a user without rights", async () => {
  await admin.call("ACL", "SETUSER", "app", "-evalsha", "-eval", "-script");
  await fails(schedulerOn(app()));
  expect(listener.has("NOPERM")).toBe(true);
  nothing();
});

test.each([
  ["READONLY", () => admin.replicaof("127.0.0.1", 1), () => admin.replicaof("NO", "ONE")],
  ["OOM", () => admin.config("SET", "maxmemory", "1"), () => admin.config("SET", "maxmemory", "0")],
])("a server that answers %s, to scripts that it has to be sent again", async (word, on, off) => {
  const scheduler = schedulerOn(app());
  await scheduler.push("task", { data: payload });
  await scheduler.schedules.upsert("task", { scheduleId: "nightly", every: "1h", data: payload });
  endings.push(off);
  await on();
  await admin.script("FLUSH");
  await Promise.all([fails(scheduler), schedules(scheduler)]);
  expect(listener.has(word)).toBe(true);
  nothing();
});

test("keys of the prefix that are of another type", async () => {
  for (const name of ["meta", "schedules", "t:task:jobs", "t:task:ready"]) {
    await admin.set(`${PREFIX}{0}:${name}`, "not ours");
  }
  await fails(schedulerOn(app()));
  expect(listener.has("WRONGTYPE")).toBe(true);
  nothing();
});

test("a connection that breaks while calls are on their way", async () => {
  const proxy: FaultProxy = await startFaultProxy(server);
  endings.push(() => proxy.close());
  const scheduler = schedulerOn(app({ port: proxy.port }));
  await scheduler.push("task", { data: payload });
  proxy.set("mute");
  await Promise.all([pushes(scheduler), schedules(scheduler)]);
  expect(listener.has("STORE_NO_ANSWER")).toBe(true);
  nothing();
});

test("options that are wrong beside a password", async () => {
  const wrong: unknown[] = [
    `http://app:${SECRET}@127.0.0.1`,
    `redis://app:${SECRET}@`,
    `redis://app:${SECRET}@h/not-a-number`,
    { password: SECRET },
    app({ pass: SECRET }),
    app({ [SECRET]: 1 }) && app({ port: "x" }),
    app({ sentinels: SECRET }),
    app({ path: "/x" }),
    { ...app(), cluster: [`redis://:${SECRET}@h:1`] },
  ];
  for (const config of wrong) {
    const error = await listener.outcome("createScheduler", () => schedulerOn(config));
    expect(error).toMatchObject({ name: "SchedulerError" });
  }
  for (const name of ["redisPrefix", "store", "logger", "lease"]) {
    const given = { [name]: `redis://app:${SECRET}@127.0.0.1` } as SchedulerOptions;
    await listener.outcome(name, () => createScheduler(given));
  }
  nothing();
});

test("redisConfig with functions, which no thread can be given", async () => {
  const scheduler = schedulerOn(app({ natMap: () => null }), { lease: "300ms" });
  const ended = new Promise<void>((resolve) => {
    scheduler.bind("task", () => resolve());
  });
  await scheduler.start();
  await scheduler.push("task", { data: payload });
  await ended;
  nothing();
});

test("a handler that throws its data, as cause or in a property", async () => {
  const scheduler = schedulerOn(app());
  scheduler.bind("task", (data) => {
    throw Object.assign(new Error("it failed", { cause: data }), { data });
  });
  scheduler.bind("object", (data) => {
    throw data;
  });
  const dead = new Set<string>();
  scheduler.on("job:dead", ({ taskId }) => dead.add(taskId));
  await scheduler.start();
  await scheduler.push("task", { data: payload });
  await scheduler.push("object", { data: payload });
  await until("both to be dead", () => dead.size === 2);
  nothing();
});

test("data that cannot be kept, or that a validator refuses", async () => {
  const tasks = {
    task: {
      "~standard": {
        version: 1 as const,
        vendor: "test",
        validate: () => ({ issues: [{ message: "no", path: ["customer", "card"] }] }),
      },
    },
  };
  const scheduler = createScheduler({
    store: "memory",
    logger: listener.logger,
    tasks: tasks as never,
  });
  listener.hear(scheduler as never);
  endings.push(() => scheduler.stop());
  const push = scheduler.push as (task: string, options: object) => Promise<unknown>;
  await listener.outcome("refused", () => push.call(scheduler, "task", { data: payload }));
  const open = schedulerOn(app(), { payloadLimit: 100 });
  const cyclic: Record<string, unknown> = { card: DATA };
  cyclic.self = cyclic;
  for (const data of [cyclic, { [`a ${"b"}`]: new Map([[DATA, DATA]]) }, DATA.repeat(10), 1n]) {
    const error = await listener.outcome("push", () => open.push("task", { data: data as never }));
    expect(error).toMatchObject({ name: "SchedulerError" });
  }
  nothing();
});
