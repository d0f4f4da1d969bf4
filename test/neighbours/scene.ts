/** One test's store and schedulers, in this process, and a journal of what their handlers ran. */
import { Redis } from "ioredis";
import { createScheduler } from "../../src/index.js";
import type {
  HandlerContext,
  RegisterOptions,
  Scheduler,
  SchedulerOptions,
} from "../../src/types.js";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy.js";
import { until } from "../support/until.js";
import { type Kind, World } from "../system/kit/worlds.js";

export interface Ran {
  jobId: string;
  attempt: number;
  scheduledFor: number | undefined;
  data: unknown;
}

type Work = (data: unknown, context: HandlerContext) => unknown;

export interface WorkerArgs {
  options?: SchedulerOptions;
  /** What the handler does beside noting that it was called. */
  work?: Work;
  concurrency?: number;
  schedules?: readonly RegisterOptions[];
}

/** None of its handlers blocks the event loop, so that no thread is needed to keep their leases. */
const RENEWING = { renewFrom: "main" } as const;
/** Pushes wait for as long as a busy machine takes. */
const DEFAULTS = { ...RENEWING, logger: false, stopTimeout: 500, pushTimeout: "20s" } as const;

export class Scene {
  readonly world: World;
  readonly ran: Ran[] = [];
  readonly #schedulers: Scheduler[] = [];
  #redis: Redis | null = null;
  #proxy: FaultProxy | null = null;

  constructor(world: World) {
    this.world = world;
  }

  /** A second way to the server, past the library. */
  get redis(): Redis {
    if (this.#redis === null) {
      const { host, port } = this.world.server;
      this.#redis = new Redis({ host, port, retryStrategy: () => 50 });
      this.#redis.on("error", () => {});
    }
    return this.#redis;
  }

  /** A way to the server that can be cut off. */
  async proxy(): Promise<FaultProxy> {
    this.#proxy ??= await startFaultProxy(this.world.server);
    return this.#proxy;
  }

  /** A scheduler that is not started. */
  create(options: SchedulerOptions = {}): Scheduler {
    const scheduler = createScheduler({ ...this.world.options, ...DEFAULTS, ...options });
    this.#schedulers.push(scheduler);
    return scheduler;
  }

  /** A scheduler that has bound "task", registered these schedules of it, and works. */
  async worker({ options, work, schedules = [], concurrency }: WorkerArgs = {}) {
    const scheduler = this.create(options);
    const bind = concurrency === undefined ? {} : { concurrency };
    scheduler.bind(
      "task",
      (data, context) => {
        const { jobId, attempt, scheduledFor } = context;
        this.ran.push({ jobId, attempt, scheduledFor, data });
        return work?.(data, context);
      },
      bind,
    );
    for (const schedule of schedules) scheduler.register("task", schedule);
    await scheduler.start();
    return scheduler;
  }

  runsOf(jobId: string): Ran[] {
    return this.ran.filter((run) => run.jobId === jobId);
  }

  async begun(jobId: string, timeoutMs?: number): Promise<Ran> {
    const found = () => this.runsOf(jobId)[0];
    return await until(`job ${jobId} to begin`, found, timeoutMs);
  }

  /** Waits until the task has nothing left to do. */
  async drained(looker = this.create()): Promise<void> {
    const left = async () => {
      const { scheduled, ready, running } = await looker.jobs.counts("task");
      return scheduled + ready + running;
    };
    await until("nothing to be left", async () => (await left()) === 0, 15_000);
  }

  async close(): Promise<void> {
    this.#proxy?.set("none");
    await Promise.all(this.#schedulers.map((scheduler) => scheduler.stop()));
    await this.#proxy?.close();
    this.#redis?.disconnect();
    await this.world.close();
  }
}

/** Runs a scene on a fresh store; afterwards nothing is left of it. */
export async function withScene(kind: Kind, act: (scene: Scene) => Promise<void>): Promise<void> {
  const scene = new Scene(await World.open(kind));
  try {
    await act(scene);
  } finally {
    await scene.close();
  }
}

/** A promise and the way to resolve it. */
export function gate(): { passed: Promise<void>; open: () => void } {
  let open = () => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
