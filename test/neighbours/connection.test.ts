/** What befell others when the server went away and came back. Each must not befall us. */
import { createServer } from "node:net";
import { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { startFaultProxy } from "../support/fault-proxy.js";
import { until, within } from "../support/until.js";
import { withFleet } from "../system/kit/fleet.js";
import { aborted, gate, type Scene, withScene } from "./scene.js";

/** Promised after any outage. */
const BACK_MS = 5_000;
/** So long that no poll explains that something was noticed. */
const RARE = { pollInterval: "30s" } as const;
const PROMPT_MS = 3_000;

describe.concurrent("taskforcesh/bullmq#2466, taskforcesh/bullmq#2964", () => {
  test("1: a server that was killed leaves no worker deaf and no delayed job behind", () =>
    withScene("redis", async (scene) => {
      const worker = await scene.worker({ options: RARE });
      const pusher = scene.create();
      await scene.begun((await pusher.push("task")).id);
      const { id: delayed } = await pusher.push("task", { delay: 300 });
      await scene.world.server.crash();
      await until("both to know", () => !worker.health().ready && !pusher.health().store.connected);
      await scene.world.restart();
      await scene.begun(delayed, BACK_MS);
      await scene.begun((await pusher.push("task")).id, BACK_MS);
      const asleep = () => scene.redis.scard("_schedule_mq:{0}:t:task:sleepers");
      await until("it to sleep, so that only a message wakes it", asleep);
      await scene.begun((await pusher.push("task")).id, PROMPT_MS);
      expect(scene.ran).toHaveLength(4);
    }));
});

describe.concurrent("OptimalBits/bull#890, Vizzuality/marxan-cloud#1721", () => {
  test("2: a client that gives up ends no scheduler, and a cut-off one is not called ready", () =>
    withScene("redis", async (scene) => {
      const { host, port } = scene.world.server;
      const given = { host, port, retryStrategy: () => null, maxRetriesPerRequest: 0 };
      const client = new Redis({ ...given, lazyConnect: true });
      const worker = await scene.worker({ options: { redisConfig: client } });
      const pusher = scene.create();
      await scene.begun((await pusher.push("task")).id);
      expect(worker.health()).toMatchObject({ live: true, ready: true });
      await scene.world.server.crash();
      await refusals(port, 6);
      const { live, ready, reasons, store } = worker.health();
      expect({ live, ready, connected: store.connected }).toEqual({
        ...{ live: true, ready: false, connected: false },
      });
      expect(reasons.join(" ")).not.toBe("");
      await scene.world.restart();
      await scene.begun((await pusher.push("task")).id, BACK_MS);
      await until("it says so", () => worker.health().ready);
      expect(client.status).toBe("wait");
    }));
});

/** Stands on the port of a server that is away, until so many connections have been refused. */
async function refusals(port: number, count: number): Promise<void> {
  let refused = 0;
  const listener = createServer((socket) => {
    socket.on("error", () => {});
    socket.resetAndDestroy();
    refused += 1;
  });
  await new Promise<void>((resolve) => void listener.listen(port, "127.0.0.1", resolve));
  await until(`${count} refused connections`, () => refused >= count, 10_000);
  await new Promise<void>((resolve) => void listener.close(() => resolve()));
}

/** stopTimeout, and the bounds of the last words, the last steps and the closing. */
const STOP_MS = 500 + 2_000 + 500 + 2_000;

describe.concurrent("taskforcesh/bullmq#2430, OptimalBits/bull#1414", () => {
  test("7: stop() does not hang while the server does, and tells the handler", () =>
    withScene("redis", async (scene) => {
      const told = gate();
      const worker = await scene.worker({
        work: async (_, { signal }) => {
          await aborted(signal);
          told.open();
        },
      });
      await scene.begun((await scene.create().push("task", { retry: true })).id);
      const { pid } = scene.world.server;
      process.kill(pid, "SIGSTOP");
      try {
        await within("stop()", worker.stop(), STOP_MS + PROMPT_MS);
        await within("the handler's signal", told.passed);
        expect(worker.state).toBe("idle");
      } finally {
        process.kill(pid, "SIGCONT");
      }
    }));

  test("7: stop() lets no lease end before its handler, so that nobody else runs the job", () =>
    withScene("redis", async (scene) => {
      const options = { lease: 1_000, pollInterval: 100, stopTimeout: "30s" } as const;
      const end = gate();
      const worker = await scene.worker({ options, work: () => end.passed });
      const other = scene.create(options);
      const { id } = await other.push("task", { retry: true, retryTimeout: 1 });
      await scene.begun(id);
      const leaseEnd = async () => (await other.jobs.get("task", id))?.leaseEndsAt ?? 0;
      const first = await leaseEnd();
      const stopped = worker.stop();
      await scene.worker({ options });
      await until("it is renewed past its end", async () => (await leaseEnd()) > first + 1_000);
      end.open();
      await within("stop()", stopped);
      expect(scene.ran).toHaveLength(1);
      const { total } = await other.jobs.counts("task");
      expect(total).toMatchObject({ completed: 1, crashes: 0 });
    }));
});

describe.concurrent("bee-queue/bee-queue#24, bee-queue/bee-queue#489", () => {
  test("11: lost scripts refuse no push, and hold up no delayed job and no retry", () =>
    withScene("redis", async (scene) => {
      const failOnce = (_: unknown, { attempt }: { attempt: number }) => attempt > 1;
      await scene.worker({ work: failOnce });
      const pusher = scene.create();
      const again = { retry: true, retryTimeout: 50 };
      await allCompleted(scene, [await pusher.push("task", again)]);
      const pushes = [];
      for (const push of [again, { ...again, delay: 50 }, { ...again, delay: 100 }, again]) {
        await scene.redis.script("FLUSH");
        pushes.push(await pusher.push("task", push));
        await scene.redis.script("FLUSH");
      }
      await allCompleted(scene, pushes);
    }));
});

async function allCompleted(scene: Scene, pushes: readonly { id: string }[]): Promise<void> {
  const twice = () => pushes.every(({ id }) => scene.runsOf(id).length === 2);
  await until("all to have run again", twice);
  await scene.drained();
}

/** Every reply of a handshake, and some more. */
const REPLIES = 8;

describe.concurrent("taskforcesh/bullmq#239, bee-queue/bee-queue#147", () => {
  test("18: no lost connection ends the process, whatever reply it takes along", () =>
    withFleet({ kind: "redis" }, async (fleet) => {
      const proxy = await startFaultProxy(fleet.world.server);
      try {
        const redisConfig = { host: "127.0.0.1", port: proxy.port };
        const options = { pushTimeout: 300, stopTimeout: 300, redisConfig };
        // It listens to nothing and awaits nothing.
        const careless = fleet.run("careless", { scheduler: options });
        await careless.hears("going");
        for (let passed = 0; passed < REPLIES; passed += 1) {
          for (let n = 0; n < passed; n += 1) await proxy.nextReply();
          proxy.set("mute");
          await proxy.nextReply();
          proxy.cut();
          proxy.set("none");
        }
        const { id } = await fleet.scheduler.push("task");
        await until("it works", () => careless.has("ran"));
        const ended = async () => (await fleet.scheduler.jobs.get("task", id)) === null;
        await until("the job has ended", ended);
        careless.tell("are you there?");
        await careless.hears("yes");
        expect(careless.messages.filter(({ type }) => type === "unhandled")).toEqual([]);
        careless.tell("stop");
        expect(await careless.ends(12_000)).toEqual({ code: 0, signal: null });
      } finally {
        await proxy.close();
      }
    }));
});
