/**
 * Which part of the data a task and its jobs live in, where a store has several. Every client in
 * every language must agree on all of it: it never changes.
 */

/** The home of a task: its schedules live there, and all of its jobs unless it is spread. */
export function shardOfTask(taskId: string, shards: number): number {
  return shards === 1 ? 0 : hashOf(taskId) % shards;
}

/** All shards of a task that is spread over so many, its home first; each once. */
export function shardsOfTask(taskId: string, by: { shards: number; over: number }): number[] {
  const { shards } = by;
  const home = shardOfTask(taskId, shards);
  const over = Math.min(by.over, shards);
  return Array.from({ length: over }, (_, k) => (home + Math.floor((k * shards) / over)) % shards);
}

/**
 * Which of so many shards of a task a job with this id of its caller's lives in. What a schedule
 * fires stays in the task's home, so everything does whose id has the form of an occurrence's.
 */
export function placeOfId(id: string, over: number): number {
  return over === 1 || /@-?\d+$/.test(id) ? 0 : hashOf(id) % over;
}

/** FNV-1a over UTF-8, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
