/** Which task lives in which shard, and how calls over several shards come together again. */

/**
 * FNV-1a over UTF-8, 32 bits. Every client in every language must agree on it: it never changes.
 */
export function shardOfTask(taskId: string, shards: number): number {
  if (shards === 1) return 0;
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(taskId)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash % shards;
}

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

/** A shard that must be there. */
export function at<Shard>(shards: readonly Shard[], index: number): Shard {
  const shard = shards[index];
  if (shard === undefined) throw new RangeError(`no shard ${index} of ${shards.length}`);
  return shard;
}
