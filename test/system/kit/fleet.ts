/** All that belongs to one test: store, processes, journal. Nothing of it outlives the test. */
import { join } from "node:path";
import {
  createScheduler,
  type PushOptions,
  type Scheduler,
  type SchedulerOptions,
} from "schedule-mq";
import { expect, vi } from "vitest";
import type { WorkerOrders } from "../programs/worker.mjs";
import { Journal } from "./journal.js";
import { Member } from "./member.js";
import { type Kind, World } from "./worlds.js";

// Every wait has its own bound; this one is for machines that do other things, too.
vi.setConfig({ testTimeout: 60_000 });

export type WorkerArgs = Partial<Omit<WorkerOrders, "journal" | "tasks">> & {
  tasks?: WorkerOrders["tasks"] | readonly string[];
};

export class Fleet {
  readonly world: World;
  readonly journal: Journal;
  readonly members: Member[] = [];
  readonly #options: SchedulerOptions;
  #scheduler: Scheduler | null = null;

  constructor(world: World, options: SchedulerOptions) {
    this.world = world;
    this.journal = new Journal(join(world.folder, "journal"));
    this.#options = { ...world.options, ...options };
  }

  /** A scheduler of the test itself, never started: it pushes and looks. */
  get scheduler(): Scheduler {
    this.#scheduler ??= createScheduler({ ...this.#options, logger: false });
    return this.#scheduler;
  }

  /** Starts a program; resolves at once. */
  run(program: string, orders: object): Member {
    const member = new Member(program, { scheduler: this.#options, ...orders });
    this.members.push(member);
    return member;
  }

  /** Starts a worker; resolves at once. */
  launch({ tasks = ["task"], scheduler, ...more }: WorkerArgs = {}): Member {
    const binds = Array.isArray(tasks) ? Object.fromEntries(tasks.map((id) => [id, {}])) : tasks;
    const options = { ...this.#options, ...scheduler };
    const orders = { tasks: binds, journal: this.journal.path, scheduler: options };
    return this.run("worker", { ...more, ...orders });
  }

  /** Starts a worker; resolves when it works. */
  async worker(args: WorkerArgs = {}): Promise<Member> {
    const member = this.launch(args);
    await member.hears("started");
    return member;
  }

  async push(options: PushOptions = {}, taskId = "task"): Promise<string> {
    const { id } = await this.scheduler.push(taskId, options);
    return id;
  }

  /** Ends all; says which processes had ended in a way that no test wanted. */
  async close(): Promise<string[]> {
    const complaints = this.members.flatMap((member) => member.complaint() ?? []);
    await Promise.all(this.members.filter(({ alive }) => alive).map((member) => member.kill()));
    await this.#scheduler?.stop();
    await this.world.close();
    return complaints;
  }
}

/** Runs a scene on a fresh store; afterwards nothing is left of it. */
export async function withFleet(
  args: { kind: Kind; options?: SchedulerOptions },
  scene: (fleet: Fleet) => Promise<void>,
): Promise<void> {
  const world = await World.open(args.kind);
  const fleet = new Fleet(world, { logger: false, ...args.options });
  let failure: unknown = null;
  try {
    await scene(fleet);
  } catch (error) {
    failure = error;
  }
  const complaints = await fleet.close();
  if (failure !== null && complaints.length > 0) {
    throw new Error(complaints.join("\n"), { cause: failure });
  }
  if (failure !== null) throw failure;
  expect(complaints).toEqual([]);
}
