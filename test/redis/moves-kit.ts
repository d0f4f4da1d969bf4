/** Schedules that move between the shards of a store: how many there are, and tasks in each. */
import { shardOfTask } from "../../src/store/redis/shards.js";

export const SHARDS = 4;
export const MINUTE_MS = 60_000;

export function taskIn(shard: number): string {
  const names = Array.from({ length: 50 }, (_, n) => `t${n}`);
  return names.find((name) => shardOfTask(name, SHARDS) === shard) as string;
}
