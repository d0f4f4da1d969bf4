/**
 * Load for a store of many nodes: pushes to tasks of all shards, and a scheduler that runs them.
 * It remembers what was acknowledged and what ran, and when.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { createScheduler, type RedisConfig, type Scheduler } from "../../src/index.js";
import { until } from "../support/until.js";

const TASKS = 32;
const PREFIX = "load:";

export class Load {
  /** Ids of jobs whose push was acknowledged, and when. */
  readonly acknowledged = new Map<string, number>();
  /** How often each job ran. */
  readonly runs = new Map<string, number>();
  /** Codes of pushes that were rejected: they may have been done or not. */
  readonly refused: string[] = [];
  readonly taskIds: readonly string[];
  readonly #pusher: Scheduler;
  readonly #worker: Scheduler;
  readonly #lastRan = new Map<string, number>();
  readonly #pushing: Promise<void>[] = [];
  /** Ids are remembered: each load has its own. */
  readonly #name = randomUUID();
  #isPushing = true;

  constructor(redisConfig: RedisConfig, taskIds: readonly string[] = names()) {
    this.taskIds = taskIds;
    const options = { redisConfig, redisPrefix: PREFIX, logger: false } as const;
    this.#pusher = createScheduler(options);
    this.#worker = createScheduler(options);
    for (const taskId of this.taskIds) {
      this.#worker.bind(taskId, (_data, { jobId }) => {
        this.runs.set(jobId, (this.runs.get(jobId) ?? 0) + 1);
        this.#lastRan.set(taskId, performance.now());
      });
    }
  }

  /** Resolves when jobs of all tasks have run. */
  async begin(): Promise<void> {
    await this.#worker.start();
    for (const taskId of this.taskIds) this.#pushing.push(this.#push(taskId));
    await this.allRanSince(performance.now());
  }

  async allRanSince(at: number, within?: number): Promise<void> {
    const late = () => this.taskIds.filter((id) => (this.#lastRan.get(id) ?? -1) <= at);
    await until("every task to run again", () => late().length === 0, within ?? 20_000);
  }

  /** No more is pushed; resolves when every push was answered. */
  async finishPushing(): Promise<void> {
    this.#isPushing = false;
    await Promise.all(this.#pushing);
  }

  /** What was acknowledged and has not run. */
  missing(): string[] {
    return [...this.acknowledged.keys()].filter((id) => !this.runs.has(id));
  }

  repeated(): string[] {
    return [...this.runs].flatMap(([id, times]) => (times > 1 ? [id] : []));
  }

  /** Resolves when all that was acknowledged has run, but for `spared`. */
  async drained(isSpared: (id: string) => boolean = () => false): Promise<void> {
    const left = () => this.missing().filter((id) => !isSpared(id));
    await until("all acknowledged jobs to have run", () => left().length === 0, 20_000);
  }

  health(): ReturnType<Scheduler["health"]> {
    return this.#worker.health();
  }

  async stop(): Promise<void> {
    await this.finishPushing();
    await Promise.all([this.#worker.stop(), this.#pusher.stop()]);
  }

  async #push(taskId: string): Promise<void> {
    for (let n = 1; this.#isPushing; n += 1) {
      const id = `${taskId}/${this.#name}/${n}`;
      try {
        await this.#pusher.push(taskId, { id, retry: true, retryTimeout: "100ms" });
        this.acknowledged.set(id, performance.now());
      } catch (error) {
        this.refused.push((error as { code?: string }).code ?? String(error));
      }
      // Some hundred jobs a second in all: the machine has other work, too.
      await pause(50);
    }
  }
}

function names(): string[] {
  return Array.from({ length: TASKS }, (_, n) => `task-${n}`);
}
