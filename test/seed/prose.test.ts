/** What the seed says in words: when a scheduler listens, what is frozen, when a retry comes. */
import { afterEach, describe, expect, it } from "vitest";
import { systemChance } from "../../src/chance.js";
import { systemClock } from "../../src/clock.js";
import { createSchedulerWith } from "../../src/create.js";
import { createScheduler, type HandlerContext, type Scheduler } from "../../src/index.js";
import { createRedisStore } from "../../src/store/redis/store.js";
import { PREFIX, redisWorld, serverForThisFile } from "../support/redis-world.js";
import { until } from "../support/until.js";
import { seedExamples } from "./blocks.js";

const server = serverForThisFile({});
/** Only a bound: nothing takes so long, unless the machine is very busy. */
const LONG_MS = 15_000;
const open: { stop(): Promise<void> }[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((scheduler) => scheduler.stop()));
});

function create(): Scheduler {
  const { host, port } = server();
  const made = createScheduler({
    redisConfig: { host, port },
    logger: false,
    pushTimeout: LONG_MS,
  });
  open.push(made);
  return made;
}

describe("the seed says", () => {
  it("that tasks run only after run() is called, and no more after stop()", async () => {
    const ran: unknown[] = [];
    const scheduler = create();
    scheduler.bind("taskA", (data) => void ran.push(data));
    await scheduler.push("taskA", { data: "before" });
    expect(ran).toEqual([]);
    const running = scheduler.run();
    await until("the job to run", () => ran.length === 1, LONG_MS);
    await scheduler.stop();
    await running;
    await create().push("taskA", { data: "after" });
    expect(await scheduler.jobs.counts("taskA")).toMatchObject({ ready: 1, total: { pushed: 2 } });
    expect(ran).toEqual(["before"]);
  });

  it("that bind and register are frozen after start(), unless stop()ed", async () => {
    const scheduler = create();
    scheduler.bind("taskA", () => true);
    await scheduler.start();
    const frozen = expect.objectContaining({ code: "RUNNING" });
    expect(() => scheduler.bind("taskB", () => true)).toThrow(frozen);
    expect(() => scheduler.register("taskA", { cronExpr: "*/10 * * * * *" })).toThrow(frozen);
    await scheduler.stop();
    scheduler.bind("taskB", () => true).register("taskA", { cronExpr: "*/10 * * * * *" });
    await scheduler.start();
  });

  it("that a registered task is retried, retryTimeout after its failure", async () => {
    const world = await redisWorld(server());
    try {
      await world.advance(msToTenthMinute(await world.now()) - 500);
      const { scheduler, runs, failedAt } = failing(server().port);
      new Function("scheduler", seedExamples().retried)(scheduler);
      await scheduler.start();
      await until("the first occurrence to fail", () => runs.length >= 1, LONG_MS);
      const [first] = runs;
      expect(new Date(first!.scheduledFor).getMinutes() % 10).toBe(0);
      await until("the store to know of it", () => failedAt.length === 1, LONG_MS);
      await world.advance(9_000);
      expect(runs.filter(({ jobId }) => jobId === first!.jobId)).toHaveLength(1);
      await world.advance(1_100);
      await until("the second attempt", () => runs.find((run) => run.attempt === 2), LONG_MS);
      expect(runs.find((run) => run.attempt === 2)).toMatchObject({
        jobId: first!.jobId,
        scheduledFor: first!.scheduledFor,
      });
    } finally {
      await world.close();
    }
  });
});

interface Run {
  jobId: string;
  attempt: number;
  scheduledFor: number;
}

/** A scheduler on the moved clock, whose first occurrence fails once. */
function failing(port: number) {
  const store = createRedisStore({
    redis: { host: "127.0.0.1", port },
    prefix: PREFIX,
    identity: systemChance.identity(),
    clock: systemClock,
    chance: systemChance,
    testClock: true,
  });
  const scheduler = createSchedulerWith({ options: { logger: false, pollInterval: 50 }, store });
  open.push(scheduler);
  const runs: Run[] = [];
  const failedAt: number[] = [];
  scheduler.on("job:retrying", ({ dueAt }) => failedAt.push(Number(dueAt)));
  scheduler.bind(
    "taskA",
    (_data: unknown, { jobId, attempt, scheduledFor = 0 }: HandlerContext) => {
      runs.push({ jobId, attempt, scheduledFor });
      return runs.length > 1;
    },
  );
  return { scheduler, runs, failedAt };
}

/** From `now` to the next local time with a minute that ends in 0. */
function msToTenthMinute(now: number): number {
  let at = Math.ceil(now / 60_000) * 60_000;
  while (new Date(at).getMinutes() % 10 !== 0) at += 60_000;
  return at - now;
}
