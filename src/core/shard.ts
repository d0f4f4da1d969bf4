/** Which part of the data a task lives in, where a store has several. */

/**
 * FNV-1a over UTF-8, 32 bits. Every client in every language must agree on it: it never changes.
 */
export function shardOfTask(taskId: string, shards: number): number {
  if (shards === 1) return 0;
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(taskId)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash % shards;
}
