/**
 * Whole schedulers on one memory and one clock that only the test moves, and a journal that their
 * handlers write: what ran, for which occurrence.
 */
import { createTestWorld, type TestWorld } from "../../src/testing/index.js";
import type { EventMap, EventName, RegisterOptions, Scheduler } from "../../src/types.js";

export interface Ran {
  by: string;
  scheduleId: string | undefined;
  scheduledFor: number;
  isCatchup: boolean;
  missedCount: number;
  data: unknown;
}

export interface FleetMember {
  name: string;
  scheduler: Scheduler;
  told: { name: EventName; payload: unknown }[];
  of<Name extends EventName>(name: Name): EventMap[Name][];
  start(): Promise<void>;
  stop(): Promise<void>;
}

const EVENTS: readonly EventName[] = [
  "schedule:fired",
  "schedule:skipped",
  "schedule:missed",
  "schedule:conflict",
  "schedule:orphaned",
  "error",
];

export class Fleet {
  readonly world: TestWorld;
  readonly ran: Ran[] = [];

  constructor(startAt?: number) {
    this.world = createTestWorld(startAt);
  }

  get now(): number {
    return this.world.clock.now();
  }

  /** A scheduler with these schedules, that has bound their tasks to the journal. */
  member(
    name: string,
    register: readonly (readonly [taskId: string, options: RegisterOptions])[] = [],
    { bind = register.map(([taskId]) => taskId), takesMs = 0 } = {},
  ): FleetMember {
    const { clock } = this.world;
    const scheduler = this.world.createScheduler({ logger: false, pollInterval: "10s" });
    const told: FleetMember["told"] = [];
    for (const event of EVENTS)
      scheduler.on(event, (payload) => void told.push({ name: event, payload }));
    for (const taskId of new Set(bind)) {
      scheduler.bind(taskId, async (data, context) => {
        const { scheduleId, scheduledFor = 0, isCatchup, missedCount, signal } = context;
        this.ran.push({ by: name, scheduleId, scheduledFor, isCatchup, missedCount, data });
        await new Promise<void>((resolve) => {
          if (takesMs === 0) resolve();
          else clock.after(takesMs, resolve);
          signal.addEventListener("abort", () => resolve());
        });
      });
    }
    for (const [taskId, options] of register) scheduler.register(taskId, options);
    return {
      name,
      scheduler,
      told,
      of: <Name extends EventName>(wanted: Name) =>
        told.filter((each) => each.name === wanted).map((each) => each.payload as EventMap[Name]),
      start: () => this.settled(scheduler.start()),
      stop: () => this.settled(scheduler.stop()),
    };
  }

  /** Lets the schedulers work until the promise has settled. */
  async settled<T>(promise: Promise<T>): Promise<T> {
    await this.world.clock.settle();
    return await promise;
  }

  async advance(ms: number): Promise<void> {
    await this.world.clock.advance(ms);
  }

  /** The instants that ran, of one schedule or all, as offsets from `from`. */
  instants(from: number, scheduleId?: string): number[] {
    return this.ran
      .filter((each) => scheduleId === undefined || each.scheduleId === scheduleId)
      .map((each) => each.scheduledFor - from);
  }
}
