/** Tasks that are bound with `spread`: the store fixes it once, and refuses what does not fit. */
import { isAway, SchedulerError } from "../core/errors.js";
import type { CheckedBind } from "../core/options.js";
import { shardOfTask } from "../core/shard.js";
import type { SpreadAnswer, Spreads, SpreadWish, Store } from "../store/contract.js";

/**
 * Fixes and learns over how many shards the bound tasks are spread. Rejects with what is refused,
 * as soon as it is. What a shard that is away would say is left for later: it is asked again when
 * it is back.
 */
export async function fixSpreads(store: Store, binds: Iterable<CheckedBind>): Promise<void> {
  const { spreads, shards } = store;
  if (spreads === undefined || shards === 1) return;
  const byHome = new Map<number, SpreadWish[]>();
  for (const { taskId, spread } of binds) {
    const home = shardOfTask(taskId, shards);
    const wishes = byHome.get(home) ?? [];
    byHome.set(home, [...wishes, { taskId, over: spread }]);
  }
  await Promise.all(Array.from(byHome.values(), (wishes) => fixSome(spreads, wishes)));
}

/** Of one home. */
async function fixSome(spreads: Spreads, wishes: readonly SpreadWish[]): Promise<void> {
  let answers: SpreadAnswer[];
  try {
    answers = await spreads.fix(wishes);
  } catch (error) {
    if (isAway(error)) return;
    throw error;
  }
  answers.forEach(({ taskId, over, outcome, before }, k) => {
    const wish = wishes[k]?.over ?? 1;
    if (before !== undefined) throw lostAndFixed(taskId, { before, over });
    if (outcome === "other") throw fixedOtherwise(taskId, { wish, over });
    if (outcome === "used") throw usedBefore(taskId, wish);
  });
}

function fixedOtherwise(taskId: string, { wish, over }: { wish: number; over: number }) {
  const message = `bind("${taskId}"): spread is ${wish}, but was fixed as ${over} at its first use`;
  const fix = `bind it with spread: ${over}, or use another task id`;
  return new SchedulerError("SPREAD_FIXED", message, { fix, value: wish });
}

function lostAndFixed(taskId: string, { before, over }: { before: number; over: number }) {
  const message =
    `task "${taskId}" was spread over ${before} shards: the store has lost that, and somebody ` +
    `has fixed ${over} since`;
  const fix =
    "jobs in its other shards are run by the schedulers that knew of them: keep one until all ran";
  return new SchedulerError("SPREAD_FIXED", message, { fix, value: before });
}

function usedBefore(taskId: string, wish: number) {
  const message =
    `bind("${taskId}"): spread is ${wish}, but the task was used without it, and the store ` +
    "remembers ids of its jobs, which would be looked for in other shards";
  const fix =
    "use another task id, or wait until no job with an id of your own is left or remembered";
  return new SchedulerError("SPREAD_FIXED", message, { fix, value: wish });
}
