/** Which task lives in which shard, and how calls over several shards come together again. */

import { isAway } from "../../core/errors.js";
import { shardOfTask } from "../../core/shard.js";

export { shardOfTask };

/** Runs one call per shard side by side; answers stand in the order of the items. */
export async function inOrder<Item, Answer>(
  items: readonly Item[],
  shardOf: (item: Item) => number,
  call: (shard: number, items: readonly Item[]) => Promise<readonly Answer[]>,
): Promise<Answer[]> {
  const groups = groupByShard(items, shardOf);
  const answers: Answer[] = [];
  await Promise.all(
    [...groups].map(async ([shard, group]) => {
      const found = await call(
        shard,
        group.map((entry) => entry.item),
      );
      group.forEach((entry, k) => {
        answers[entry.place] = found[k] as Answer;
      });
    }),
  );
  return answers;
}

/** The answers of those that answer; rejects when none does, or one refuses. */
export async function ofThoseThere<Shard, Answer>(
  shards: readonly Shard[],
  ask: (shard: Shard) => Promise<Answer>,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  let failure: { error: unknown } | null = null;
  for (const answer of await Promise.allSettled(shards.map(ask))) {
    if (answer.status === "fulfilled") answers.push(answer.value);
    else if (!isAway(answer.reason)) throw answer.reason;
    else failure ??= { error: answer.reason };
  }
  if (failure !== null && answers.length === 0) throw failure.error;
  return answers;
}

export function groupByShard<Item>(
  items: readonly Item[],
  shardOf: (item: Item) => number,
): Map<number, { item: Item; place: number }[]> {
  const groups = new Map<number, { item: Item; place: number }[]>();
  items.forEach((item, place) => {
    const shard = shardOf(item);
    const group = groups.get(shard);
    if (group === undefined) groups.set(shard, [{ item, place }]);
    else group.push({ item, place });
  });
  return groups;
}

/** Where a lease is. */
export function shardOfLease(
  { taskId, shard }: { taskId: string; shard?: number | undefined },
  shards: number,
): number {
  return shard ?? shardOfTask(taskId, shards);
}

/** A shard that must be there. */
export function at<Shard>(shards: readonly Shard[], index: number): Shard {
  const shard = shards[index];
  if (shard === undefined) throw new RangeError(`no shard ${index} of ${shards.length}`);
  return shard;
}
