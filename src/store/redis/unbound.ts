/**
 * Tasks with work that is due, for which no scheduler is seen: none sleeps for them, none holds a
 * lease of theirs. Only reads.
 */
import { type Clock, sleep } from "../../clock.js";
import type { Command } from "./client.js";
import type { ShardKeys } from "./keys.js";

/** More tasks, or leases, are not looked at. */
const MOST = 1_000;
/** Somebody who was just woken is neither asleep nor at work yet. */
const AGAIN_MS = 300;

export interface Unseen {
  command: Command;
  keys: ShardKeys;
  clock: Clock;
  boundTaskIds: readonly string[];
}

/** null: the user may not read the keys. */
export async function unseenTasks(parts: Unseen): Promise<string[] | null> {
  try {
    const first = await unseenNow(parts);
    if (first.length === 0) return first;
    await sleep(parts.clock, AGAIN_MS);
    const second = new Set(await unseenNow(parts));
    return first.filter((task) => second.has(task));
  } catch {
    return null;
  }
}

async function unseenNow({ command, keys, boundTaskIds }: Unseen): Promise<string[]> {
  const [seconds = "0"] = (await command("TIME")) as string[];
  const [, leases = "", lease = "", , moments = ""] = [...keys.base];
  const limit = ["LIMIT", "0", String(MOST)];
  const due = `${seconds}000`;
  const waiting = (await command("ZRANGEBYSCORE", moments, "-inf", due, ...limit)) as string[];
  const bound = new Set(boundTaskIds);
  const open = waiting.filter((task) => !bound.has(task));
  if (open.length === 0) return [];
  const fences = (await command("ZRANGE", leases, "0", String(MOST - 1))) as string[];
  const texts = fences.length === 0 ? [] : ((await command("HMGET", lease, ...fences)) as string[]);
  const busy = new Set(texts.map((text) => /^\d+\|[^|]*\|[^|]*\|(.*)$/s.exec(text ?? "")?.[1]));
  const unseen: string[] = [];
  for (const task of open) {
    if (busy.has(task) || !(await hasJobs(command, keys.task(task)))) continue;
    if (Number(await command("SCARD", keys.sleepers(task))) === 0) unseen.push(task);
  }
  return unseen;
}

async function hasJobs(command: Command, keys: readonly string[]): Promise<boolean> {
  const [jobs = "", later = ""] = keys;
  const bundles = keys.at(-1) ?? "";
  for (const key of [jobs, later, bundles]) if (Number(await command("HLEN", key)) > 0) return true;
  return false;
}
