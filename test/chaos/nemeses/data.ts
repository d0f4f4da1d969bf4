/** Faults of the data: keys of one kind are deleted, or hold something else for a while. */
import { ShardKeys } from "../../../src/store/redis/keys.js";
import type { Arena } from "../kit/arena.js";
import type { Strike } from "./processes.js";

/** Keys of one kind look alike but for the task and the scheduler in them. */
function kindOf(key: string): string {
  return key
    .replace(/^.*\{\d+\}:/, "")
    .replace(/^t:[^:]+:/, "t:")
    .replace(/^session:.*/, "session");
}

/** So that each kind has its turn. */
const turns = new WeakMap<Arena, Map<string, number>>();

/**
 * Nobody cancels here, no job must run alone, and nobody waits for a disk: they can only be made,
 * by somebody else who holds other things in them.
 */
const UNUSED = ["cancels", "synced", "t:cancelled", "t:alone"];
const keys = new ShardKeys({ prefix: "", shard: 0, identity: "one" });
const KINDS = [...keys.base, keys.layout, ...keys.task("one")].map(kindOf);

/** The kinds of keys that have not been struck yet; to be deleted, some are never there. */
export function spared(arena: Arena): string[] {
  const hits = turns.get(arena);
  return KINDS.filter((kind) => hits?.has(kind) !== true && !UNUSED.includes(kind));
}

export function neverReplaced(arena: Arena): string[] {
  const hits = turns.get(arena);
  return KINDS.filter((kind) => hits?.has(kind) !== true);
}

/** Those that nobody has made, of each task that has jobs. */
function unusedOf(there: readonly string[]): string[] {
  const heads = new Set<string>();
  for (const key of there) {
    const [head = "", task] = /^.*\{\d+\}:(?:(t:[^:]+):)?/.exec(key) ?? [];
    heads.add(task === undefined ? head : head.slice(0, -task.length - 1));
    if (task !== undefined) heads.add(head);
  }
  const isOfTask = (head: string) => head.includes("}:t:");
  return [...heads].flatMap((head) =>
    UNUSED.filter((kind) => isOfTask(head) === kind.startsWith("t:")).map(
      (kind) => head + kind.replace(/^t:/, ""),
    ),
  );
}

async function nextKind(
  arena: Arena,
  others: (there: readonly string[]) => string[] = () => [],
): Promise<{ kind: string; keys: string[] } | null> {
  const hits = turns.get(arena) ?? new Map<string, number>();
  turns.set(arena, hits);
  const there = await arena.redis.client.keys("*");
  const keys = [...new Set([...there, ...others(there)])];
  const kinds = [...new Set(keys.map(kindOf))];
  if (kinds.length === 0) return null;
  const fewest = Math.min(...kinds.map((kind) => hits.get(kind) ?? 0));
  const kind = arena.chance.pick(kinds.filter((one) => (hits.get(one) ?? 0) === fewest));
  hits.set(kind, fewest + 1);
  return { kind, keys: keys.filter((key) => kindOf(key) === kind) };
}

export const deleteKeys: Strike = async (arena) => {
  const chosen = await nextKind(arena);
  if (chosen === null) return;
  await arena.fault(`deleted: ${chosen.kind}`, { lossMs: -1 }, async () => {
    await arena.redis.client.del(...chosen.keys);
  });
};

/** Somebody else's value stands there for a second, until somebody has deleted it. */
export const replaceKeys: Strike = async (arena) => {
  const chosen = await nextKind(arena, unusedOf);
  if (chosen === null) return;
  const { client } = arena.redis;
  await arena.fault(`wrong type: ${chosen.kind}`, { lossMs: -1 }, async () => {
    for (const key of chosen.keys) {
      const isText = (await client.type(key)) === "string";
      await client.del(key);
      if (isText) await client.rpush(key, "what is this?");
      else await client.set(key, "what is this?");
    }
    await arena.lasting(1_000);
    await client.del(...chosen.keys);
  });
};
