/** A push claims its job for a sleeper, which has not heard of it until it renews or settles. */
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { HandedBatch, NewJob, Store, Wake } from "../../src/store/contract.js";
import { Scene } from "../contract/scene.js";
import {
  AGAIN,
  COMPLETED,
  type Held,
  HOUR_MS,
  KEEP,
  LEASE_MS,
  NO_SCHEDULES,
  only,
  rules,
  stubborn,
  TASK,
} from "../contract/words.js";
import { PREFIX, redisWorld, serverForThisFile } from "../support/redis-world.js";
import { startServer } from "../support/servers.js";
import { until } from "../support/until.js";

/** How long a lease stands that nobody confirms. */
const HANDED_MS = 2_000;
const NO_COUNTS = { failures: 0, crashes: 0, handOffs: 0, crashesInRow: 0, invalidInRow: 0 };

const server = serverForThisFile({});
let client: Redis;
let scene: Scene;
beforeAll(() => {
  client = new Redis({ host: server().host, port: server().port });
});
afterAll(() => client?.disconnect());
beforeEach(async () => {
  scene = await Scene.begin(await redisWorld(server()));
});
afterEach(async () => await scene.end());

/** A scheduler that sleeps, and what it hears. */
async function sleeper(taskId = TASK): Promise<{ store: Store; wakes: Wake[] }> {
  scene.knows(taskId);
  const store = await scene.another();
  const wakes: Wake[] = [];
  const channels = async () =>
    ((await client.call("PUBSUB", "CHANNELS", `${PREFIX}*`)) as string[]).length;
  const before = await channels();
  store.onWake((wake) => wakes.push(wake));
  await until("its subscription", async () => (await channels()) > before);
  // Told with each new subscription; from then on only what is sent.
  await until("the first look", () => wakes.shift());
  await store.look({ taskIds: [taskId], ...NO_SCHEDULES, sleepMs: HOUR_MS });
  return { store, wakes };
}

function key(name: string): string {
  return `${PREFIX}{0}:${name}`;
}

async function heard(wakes: readonly Wake[]): Promise<Wake> {
  return await until("a wake-up", () => wakes[0]);
}

function batchOf(wake: Wake): HandedBatch {
  if (wake.kind !== "handed") throw new Error(`heard ${JSON.stringify(wake)}`);
  return wake.batch;
}

function heldOf({ fence, taskId, jobs }: HandedBatch): Held {
  return { ...only(jobs), fence, taskId, alone: false, leaseMs: LEASE_MS };
}

/** A job that was handed to a sleeper, which has said nothing yet. */
async function handed(): Promise<{ held: Held; store: Store; wakes: Wake[] }> {
  const { store, wakes } = await sleeper();
  await scene.push([stubborn({ payload: '"handed"' })]);
  return { held: heldOf(batchOf(await heard(wakes))), store, wakes };
}

async function confirm({ fence, taskId }: Held, store: Store): Promise<void> {
  const leases = [{ fence, taskId, confirmMs: LEASE_MS }];
  expect((await store.renew({ leases, progress: [] })).lost).toEqual([]);
}

describe("a lone job that may run again", () => {
  test.each([
    [TASK, '{"a":"b"}'],
    ["größe 🚚", '"ü🚚"'],
    [" 1:2 \n", '"x\\n"'],
    ["t", ""],
  ])("is handed to a sleeper of %j with lease and record, and not looked for", async (...args) => {
    const [taskId, payload] = args;
    const { store, wakes } = await sleeper(taskId);
    const { id } = await scene.pushOne(stubborn({ taskId, payload }));
    expect((await scene.store.counts({ taskId })).total.pushed).toBe(1);
    expect(await client.hget(key("meta"), "lengths")).toBe("10000=1");
    const batch = batchOf(await heard(wakes));
    expect(batch).toMatchObject({ taskId, jobs: [{ id, ownId: false, payload }] });
    expect(only(batch.jobs).rules).toEqual(rules({ retry: AGAIN }));
    expect(await scene.stateOf(id, taskId)).toBe("running");
    const look = await store.look({ taskIds: [taskId], ...NO_SCHEDULES, sleepMs: 1_000 });
    expect(look.taskIds).toEqual([]);
    expect(await scene.claim(1, { taskId })).toEqual([]);
    expect(await scene.settle(heldOf(batch), COMPLETED, { store })).toMatchObject({
      state: "completed",
    });
    expect(await client.hget(key("meta"), "lengths")).toBe("");
  });

  test("goes past sleepers that are no more", async () => {
    const { wakes } = await sleeper();
    const dead = Array.from({ length: 50 }, (_, n) => `dead${n}`);
    await client.sadd(key(`t:${TASK}:sleepers`), ...dead);
    const { id } = await scene.pushOne(stubborn());
    expect(only(batchOf(await heard(wakes)).jobs).id).toBe(id);
  });

  test("is ready as ever when nobody hears of it", async () => {
    await client.sadd(key(`t:${TASK}:sleepers`), "dead1", "dead2");
    const { id } = await scene.pushOne(stubborn());
    expect(await scene.stateOf(id)).toBe("ready");
    const look = await scene.store.look({ taskIds: [TASK], ...NO_SCHEDULES, sleepMs: 1_000 });
    expect(look.taskIds).toEqual([TASK]);
    expect(await client.zcard(key("leases"))).toBe(0);
  });

  test("is not told to who listens at a replica, and is counted nowhere", async () => {
    const { host, port } = server();
    await client.config("SET", "repl-diskless-sync-delay", "0");
    const replica = await startServer({ args: ["--replicaof", host, String(port)] });
    const ghost = new Redis({ host, port: replica.port });
    const heard: string[] = [];
    ghost.on("message", (_channel, message: string) => heard.push(message));
    const channel = key("wake:ghost");
    try {
      await until("it to follow", async () => (await client.info()).includes("state=online"));
      await ghost.subscribe(channel);
      await client.sadd(key(`t:${TASK}:sleepers`), "ghost");
      const { id } = await scene.pushOne(stubborn());
      await client.publish(channel, "the end");
      await until("all to be heard", () => heard.includes("the end"));
      expect(heard.filter((message) => message.startsWith("h"))).toEqual([]);
      expect(await scene.stateOf(id)).toBe("ready");
    } finally {
      ghost.disconnect();
      await replica.stop();
    }
  });

  test("is refused by a full server, and nobody hears of it", async () => {
    const { store, wakes } = await sleeper();
    await client.config("SET", "maxmemory", "1");
    try {
      await expect(scene.push([stubborn()])).rejects.toMatchObject({ code: "STORE_REFUSED" });
    } finally {
      await client.config("SET", "maxmemory", "0");
    }
    const { id } = await scene.pushOne(stubborn());
    expect(only(batchOf(await heard(wakes)).jobs).id).toBe(id);
    expect((await store.counts({ taskId: TASK })).running).toBe(1);
  });
});

const ONLY_WAKE: Record<string, NewJob[]> = {
  "a retry-off job": [stubborn({ rules: rules({}) })],
  "a job of a single try": [stubborn({ rules: rules({ retry: { ...AGAIN, attempts: 1 } }) })],
  "a job whose payload says that it retries": [stubborn({ rules: rules({}), payload: '"r":0' })],
  "several jobs": [stubborn(), stubborn()],
  "a job with a priority": [stubborn({ rules: rules({ retry: AGAIN, priority: 1 }) })],
  "a job with an id": [stubborn({ id: "mine" })],
  "a huge job": [stubborn({ payload: JSON.stringify("x".repeat(70_000)) })],
};

describe("only wakes a sleeper:", () => {
  test.each(Object.entries(ONLY_WAKE))("%s", async (_name, jobs) => {
    const { wakes } = await sleeper();
    await scene.push(jobs);
    expect(await heard(wakes)).toMatchObject({ kind: "task", taskId: TASK });
    expect(await scene.claim(10)).toHaveLength(jobs.length);
  });

  test.each([0, 1, -1])("a job while one of priority %i is ready", async (priority) => {
    await scene.pushOne(stubborn({ rules: rules({ retry: AGAIN, priority }) }));
    const { store, wakes } = await sleeper();
    // As one that went to sleep before that job came.
    await client.zrem(key("moments"), TASK);
    await store.look({ taskIds: [TASK], ...NO_SCHEDULES, sleepMs: HOUR_MS });
    await scene.pushOne(stubborn());
    expect(await heard(wakes)).toMatchObject({ kind: "task", taskId: TASK });
    expect(await scene.claim(10)).toHaveLength(2);
  });

  test("a job when another one has become due, which stands before it", async () => {
    await scene.push([stubborn({ due: { in: 1_000 }, payload: '"due"' })]);
    const { wakes } = await sleeper();
    await scene.pass(2_000);
    await scene.push([stubborn({ payload: '"pushed"' })]);
    expect(await heard(wakes)).toMatchObject({ kind: "task", taskId: TASK });
    const payloads = (await scene.claim(10)).map(({ payload }) => payload);
    expect(payloads).toEqual(['"due"', '"pushed"']);
  });
});

describe("a lease that was handed over", () => {
  test("and is not confirmed ends soon: ready, at the front, and nothing counted", async () => {
    const { held, store } = await handed();
    await scene.pushNamed(["later"], { rules: rules({ retry: AGAIN }) });
    await scene.pass(HANDED_MS - 500, HANDED_MS);
    expect(await scene.reap()).toEqual([]);
    await scene.pass(600, HANDED_MS);
    const reaped = only(await scene.reap());
    expect(reaped).toMatchObject({ number: held.number, state: "ready", reason: null });
    expect(reaped).toMatchObject({ dueAt: null, counts: NO_COUNTS });
    expect(await scene.settle(held, COMPLETED, { store })).toBe("lost");
    const claimed = await scene.claim(2);
    expect(claimed.map(({ payload }) => payload)).toEqual(['"handed"', '"later"']);
    expect(claimed[0]?.counts).toEqual(NO_COUNTS);
    expect((await scene.store.counts({ taskId: TASK })).total).toMatchObject({ crashes: 0 });
  });

  test("is one like any other once it is renewed: it stands, and its end is a crash", async () => {
    const { held, store } = await handed();
    await confirm(held, store);
    // Its answer might have been lost.
    await confirm(held, store);
    expect(await client.hget(key("meta"), "lengths")).toBe(`${LEASE_MS}=1`);
    await scene.pass(LEASE_MS - 1_000);
    expect(await scene.reap()).toEqual([]);
    await scene.pass(2_000);
    expect(only(await scene.reap()).counts).toMatchObject({ crashes: 1, crashesInRow: 1 });
    expect(await client.hget(key("meta"), "lengths")).toBe("");
  });

  test("is over with its settle, whatever that says", async () => {
    for (const outcome of [COMPLETED, { kind: "handBack" } as const]) {
      const { held, store } = await handed();
      expect(await scene.settle(held, outcome, { store })).not.toBe("lost");
      expect(await client.zcard(key("leases"))).toBe(0);
      expect(await client.hget(key("meta"), "lengths")).toBe("");
    }
  });

  test("tells its owner of a cancel, and is cancelled if it was never heard of", async () => {
    for (const isHeard of [true, false]) {
      const { held, store, wakes } = await handed();
      const { id, fence, number } = held;
      expect(await scene.cancel(id)).toEqual({ state: "cancelling", changed: true });
      await until("the news", () => wakes.find((wake) => wake.kind === "cancelled"));
      expect(wakes.at(-1)).toMatchObject({ kind: "cancelled", fence, taskId: TASK, number });
      if (isHeard) {
        expect(await scene.settle(held, COMPLETED, { store })).toMatchObject({
          state: "cancelled",
        });
      } else {
        await scene.pass(HANDED_MS + 100, HANDED_MS);
        expect(only(await scene.reap()).state).toBe("cancelled");
      }
      expect(await scene.stateOf(id)).toBe("cancelled");
    }
  });

  test("makes no outage of the silence after it: others end when they would have", async () => {
    const leaseMs = 10_000;
    const other = await scene.running({ taskId: "other" }, { leaseMs });
    const { held } = await handed();
    await scene.world.advance(HANDED_MS * 1.5);
    expect(only(await scene.reap())).toMatchObject({ number: held.number, state: "ready" });
    await scene.pass(leaseMs - HANDED_MS, leaseMs);
    expect(only(await scene.reap()).number).toBe(other.number);
  });

  test("that an outage came upon is not reaped before its owner could renew", async () => {
    const { held, store } = await handed();
    await scene.world.advance(HOUR_MS);
    expect(await scene.reap()).toEqual([]);
    await confirm(held, store);
    await scene.pass(HANDED_MS * 2, HANDED_MS);
    expect(await scene.reap()).toEqual([]);
    expect(await scene.settle(held, COMPLETED, { store })).toMatchObject({ state: "completed" });
  });

  test("and whose message is lost is found by who polls: a poll and a lease later", async () => {
    await handed();
    const witness = await scene.another();
    const pollMs = 30_000;
    await scene.world.advance(pollMs);
    let passedMs = 0;
    for (;;) {
      const look = await witness.look({ taskIds: [], ...NO_SCHEDULES, sleepMs: pollMs });
      if (look.expired.length > 0) {
        await witness.reap({ leases: look.expired, random: 0.5, keep: KEEP });
        break;
      }
      passedMs += Math.ceil(look.waitMs);
      await scene.world.advance(Math.ceil(look.waitMs));
    }
    expect(passedMs).toBeLessThanOrEqual(HANDED_MS + 10);
    expect((await witness.counts({ taskId: TASK })).ready).toBe(1);
  });
});
