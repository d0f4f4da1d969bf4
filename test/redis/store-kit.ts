/** What the tests of the Redis store share: stores on a real server, and the plainest jobs. */
import { systemChance } from "../../src/chance.js";
import { systemClock } from "../../src/clock.js";
import type { KeepRules, NewJob, Store } from "../../src/store/contract.js";
import type { RedisTarget } from "../../src/store/redis/client.js";
import { scripts as realScripts } from "../../src/store/redis/scripts.js";
import { createRedisStore } from "../../src/store/redis/store.js";

const DAY_MS = 86_400_000;

export const KEEP: KeepRules = {
  idMs: DAY_MS,
  idCount: 100_000,
  completed: { ageMs: 0, count: 0 },
  dead: { ageMs: 7 * DAY_MS, count: 10_000 },
  cancelled: { ageMs: 7 * DAY_MS, count: 10_000 },
};

export const LEASE_MS = 10_000;

/** Of a look: this scheduler has nothing to do with schedules. */
export const NO_SCHEDULES = {
  fireable: { taskIds: [], scheduleIds: [] },
  registration: null,
};

/** Of a store that makes no bundles. */
export const NO_BUNDLES = { leastBundled: Number.POSITIVE_INFINITY };

export function storeOn(
  redis: RedisTarget,
  prefix = "_test:",
  scripts = realScripts,
  more: { leastBundled?: number } = {},
): Store {
  return createRedisStore({
    ...more,
    redis,
    scripts,
    prefix,
    identity: systemChance.identity(),
    clock: systemClock,
    chance: systemChance,
  });
}

export function job(taskId: string, over: Partial<NewJob> = {}): NewJob {
  return {
    taskId,
    id: null,
    payload: "",
    due: null,
    rules: { retry: null, priority: 0, timeoutMs: null },
    occurrence: null,
    ...over,
  };
}

/** Claims and completes until nothing is left; the payloads in the order of their claims. */
export async function drain(store: Store, taskId: string): Promise<string[]> {
  const seen: string[] = [];
  let settles: Parameters<Store["work"]>[0]["settles"] = [];
  for (;;) {
    const claims = [{ taskId, limit: 500 }];
    const args = { settles, claims, idle: false, leaseMs: LEASE_MS, keep: KEEP };
    const { batches } = await store.work(args);
    if (batches.length === 0) return seen;
    settles = batches.flatMap((batch) =>
      batch.jobs.map((claimed) => {
        seen.push(claimed.payload);
        return {
          fence: batch.fence,
          taskId,
          number: claimed.number,
          id: claimed.ownId ? claimed.id : null,
          scheduleId: null,
          outcome: { kind: "completed", result: null } as const,
        };
      }),
    );
  }
}
