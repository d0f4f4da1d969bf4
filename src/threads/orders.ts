/** What a thread can be told of a store: only what can be copied into it. */
import type { Durability } from "../core/durability.js";
import type { KeepRules } from "../core/keep.js";
import type { CheckedSchedulerOptions } from "../core/options.js";

type CheckedRedis = NonNullable<CheckedSchedulerOptions["redis"]>;

export type DeputyStoreOptions = { prefix: string; keep: KeepRules } & (
  | { kind: "redis"; redis: CheckedRedis }
  | { kind: "sqlite"; path: string; durability: Durability }
);

/**
 * How a client of ioredis connects again, which a scheduler decides itself: functions by default,
 * which cannot be copied, and are not needed.
 */
const RECONNECTING = new Set([
  "retryStrategy",
  "reconnectOnError",
  "sentinelRetryStrategy",
  "sentinelReconnectStrategy",
]);

/** What another thread can make the same connections of; null: some of it cannot be copied. */
export function portableRedis(redis: CheckedRedis): CheckedRedis | null {
  if (typeof redis === "string") return redis;
  const isClient = typeof Reflect.get(redis, "duplicate") === "function";
  if (isClient && Reflect.get(redis, "isCluster") === true) return null;
  const given = (isClient ? Reflect.get(redis, "options") : redis) as object;
  const entries = Object.entries(given).filter(
    ([name, value]) => !(RECONNECTING.has(name) && isClient) && value !== undefined,
  );
  try {
    return structuredClone(Object.fromEntries(entries));
  } catch {
    return null;
  }
}

/** null: some of the options cannot be copied. `path`: where the SQLite file is. */
export function deputyStoreOf(
  options: CheckedSchedulerOptions,
  path: string,
): DeputyStoreOptions | null {
  const { redis, redisPrefix: prefix, keep, durability } = options;
  if (redis === null) return { kind: "sqlite", prefix, keep, path, durability };
  const portable = portableRedis(redis);
  return portable === null ? null : { kind: "redis", prefix, keep, redis: portable };
}
