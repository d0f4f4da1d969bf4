/** Whole schedulers in a test's own world: one store in memory, one clock that only it moves. */
import { systemChance } from "../chance.js";
import { createSchedulerWith, sharedMemory } from "../create.js";
import type { CreateScheduler, Scheduler } from "../types.js";
import { createTestClock, type TestClock } from "./clock.js";

/** Schedulers that share a memory and a clock, apart from all others. */
export interface TestWorld {
  /** Time as all schedulers of this world see it; it stands still until it is advanced. */
  clock: TestClock;
  /**
   * As the library's, on the memory that all schedulers of this world share. `redisConfig`,
   * `store` and `durability` of the options are checked and then left aside; `pollInterval` is a
   * minute unless it is given.
   */
  createScheduler: CreateScheduler;
}

/** A world of its own, whose clock stands at `startAt`, epoch ms (2026-01-01T00:00:00Z). */
export function createTestWorld(startAt?: number): TestWorld {
  const clock = createTestClock(startAt);
  const parts = { clock, chance: systemChance };
  const storeFor = sharedMemory(parts);
  const createScheduler = (options?: object): Scheduler => {
    // Wake-ups never get lost here; a look each second would only make long times slow.
    const rare = { pollInterval: "1m", ...options };
    const instanceId = systemChance.identity();
    const store = storeFor(rare, instanceId);
    return createSchedulerWith({ ...parts, options: rare, store, instanceId });
  };
  return { clock, createScheduler: createScheduler as CreateScheduler };
}
