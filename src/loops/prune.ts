/**
 * The slow round: tends schedules, deletes what is past its keeping and mends, in bounded pieces,
 * then about a minute's rest.
 */
import type { Chance } from "../chance.js";
import { isRefused } from "../core/errors.js";
import type { KeepRules, Store } from "../store/contract.js";
import type { DelayMs } from "./loop.js";
import type { Mending } from "./mend.js";
import type { Tending } from "./tend.js";

export interface PruneParts {
  store: Store;
  chance: Chance;
  keep: KeepRules;
  taskIds: readonly string[];
  tending: Tending;
  mending: Mending;
}

const REST_MS = 60_000;

/** Between two pieces, so that pruning never keeps a store busy. */
const PAUSE_MS = 20;

/** Half a minute to a minute and a half, so that many schedulers do not prune at once. */
export function pruneRestMs(chance: Chance): DelayMs {
  return REST_MS * (0.5 + chance.random());
}

/**
 * Each has its turn, whatever else the store refuses: damage in one place is no reason for more.
 * Where it is away or closed, none has.
 */
export async function pruneStep(parts: PruneParts): Promise<DelayMs> {
  const { store, chance, keep, taskIds, tending, mending } = parts;
  const failures: unknown[] = [];
  const tried = async (step: () => Promise<boolean>): Promise<boolean> => {
    try {
      return await step();
    } catch (error) {
      if (!isRefused(error)) throw error;
      failures.push(error);
      return false;
    }
  };
  const moreSchedules = await tried(() => tending.step());
  const moreJobs = taskIds.length > 0 && (await tried(() => store.prune({ taskIds, keep })));
  const isMore = moreJobs || moreSchedules || (await tried(() => mending.step()));
  // Told once nothing else is urgent: a back-off between two pieces would make hours of minutes.
  if (failures.length > 0 && !isMore) throw failures[0];
  return isMore ? PAUSE_MS : pruneRestMs(chance);
}
