/** The one composition root: options → store → wired parts. */
import { resolve } from "node:path";
import { type Chance, systemChance } from "./chance.js";
import { type Clock, systemClock } from "./clock.js";
import { loggerOf } from "./console-logger.js";
import {
  type CheckedRegister,
  type CheckedSchedulerOptions,
  checkSchedulerOptions,
} from "./core/options.js";
import type { LaunchDeputy } from "./loops/deputy/deputy.js";
import { SchedulerImpl } from "./scheduler.js";
import type { Store } from "./store/contract.js";
import { LazyStore } from "./store/lazy.js";
import type { MemoryDatabase } from "./store/sqlite/store.js";
import { handlerThreads, launcherOf } from "./threads/launch.js";
import { deputyStoreOf } from "./threads/orders.js";
import type { CreateScheduler, Scheduler } from "./types.js";

/** Makes a scheduler: on Redis with `redisConfig`, else on an embedded SQLite file. */
export const createScheduler: CreateScheduler = ((options?: unknown): Scheduler =>
  createSchedulerWith({ options })) as CreateScheduler;

export interface Replacements {
  options?: unknown;
  store?: Store;
  /** The identity of `store`. */
  instanceId?: string;
  clock?: Clock;
  chance?: Chance;
}

/** As `createScheduler`, with other parts in place of the real ones; for tests. */
export function createSchedulerWith(given: Replacements): Scheduler {
  const options = checkSchedulerOptions(given.options);
  const clock = given.clock ?? systemClock;
  const chance = given.chance ?? systemChance;
  const instanceId = given.instanceId ?? chance.identity();
  const parts = { clock, chance, identity: instanceId };
  const file: OpenedFile = { path: "" };
  const store = given.store ?? new LazyStore(() => loadStore(options, { ...parts, file }));
  const logger = loggerOf(options.logger);
  const isReal = given.store === undefined && clock === systemClock;
  const launchDeputy = isReal ? deputyOf(options, file) : null;
  return new SchedulerImpl({
    store,
    clock,
    chance,
    logger,
    options,
    instanceId,
    launchDeputy,
    handlerThreads,
  });
}

/** What a scheduler has registered; for tests. */
export function registeredOf(scheduler: Scheduler): CheckedRegister[] {
  return (scheduler as SchedulerImpl).registered();
}

/** Makes stores that share one memory; for tests. */
export function sharedMemory(parts: {
  clock: Clock;
  chance: Chance;
}): (options: object, identity: string) => Store {
  let memory: MemoryDatabase | null = null;
  return (options, identity) => {
    const { redisPrefix: prefix, durability } = checkSchedulerOptions(options);
    const own = { ...parts, prefix, durability, identity };
    return new LazyStore(async () => {
      const { createMemoryDatabase, createSqliteStore } = await import("./store/sqlite/store.js");
      memory ??= createMemoryDatabase(parts);
      return createSqliteStore({ ...own, target: memory });
    });
  };
}

/** Where the SQLite file is, once it is known: the process may go elsewhere meanwhile. */
interface OpenedFile {
  path: string;
}

/** In memory nobody else could take a job away. */
function deputyOf(options: CheckedSchedulerOptions, file: OpenedFile): LaunchDeputy | null {
  if (options.renewFrom === "main" || options.sqlite === "memory") return null;
  return launcherOf(() => deputyStoreOf(options, file.path));
}

async function loadStore(
  options: CheckedSchedulerOptions,
  { file, ...parts }: { clock: Clock; chance: Chance; identity: string; file: OpenedFile },
): Promise<Store> {
  const { redis, sqlite, redisPrefix: prefix, durability } = options;
  const own = { ...parts, prefix };
  if (redis !== null) {
    const { createRedisStore } = await import("./store/redis/store.js");
    return createRedisStore({ ...own, redis, durability });
  }
  const { createSqliteStore } = await import("./store/sqlite/store.js");
  if (sqlite === "memory") return createSqliteStore({ ...own, target: "memory", durability });
  const { defaultStorePath } = await import("./store/sqlite/paths.js");
  file.path = resolve(sqlite?.path ?? defaultStorePath(process.cwd()));
  return createSqliteStore({ ...own, target: { path: file.path }, durability });
}
