/** Which shards cannot be reached while others can: what people are told, and waiting for them. */
import type { Clock } from "../../../clock.js";
import { SchedulerError } from "../../../core/errors.js";
import type { ConnectionChange } from "../../contract.js";
import type { ShardLink } from "./link.js";

/** Empty: none, or all of them. */
export function shardsAway(links: readonly ShardLink[]): string[] {
  const byOwner = new Map<string, number[]>();
  let away = 0;
  for (const [shard, link] of links.entries()) {
    if (link.node !== null) continue;
    away += 1;
    byOwner.set(link.address, [...(byOwner.get(link.address) ?? []), shard]);
  }
  if (away === links.length) return [];
  return Array.from(byOwner, ([owner, shards]) => {
    const which = `${shards.length === 1 ? "shard" : "shards"} ${shards.join(", ")}`;
    return `${which} of ${links.length} at ${owner}`;
  });
}

/** Between two looks at what is there again while other shards are away. */
const MEANWHILE_MS = 500;

/** Resolves when all are there, rejects when they are closed; calls `meanwhile` now and then. */
export async function allThere(
  links: readonly ShardLink[],
  clock: Clock,
  meanwhile: () => void,
): Promise<void> {
  let isOver = false;
  const all = Promise.all(links.map((link) => link.whenReady())).finally(() => {
    isOver = true;
  });
  while (!isOver) {
    await new Promise<void>((resolve) => {
      const timer = clock.after(MEANWHILE_MS, resolve, { keepAlive: false });
      const over = (): void => {
        timer.cancel();
        resolve();
      };
      all.then(over, over);
    });
    if (!isOver) meanwhile();
  }
  await all;
}

/** Waiting for a shard does not help against these. */
const HOPELESS: ReadonlySet<string> = new Set(["LAYOUT_NEWER", "STORE_VERSION", "STORE_DAMAGED"]);

/** null: all are there. Rejects when waiting for one of them is no use. */
export async function failureOfAny(links: readonly Promise<unknown>[]): Promise<Error | null> {
  let failure: Error | null = null;
  for (const link of await Promise.allSettled(links)) {
    if (link.status === "fulfilled") continue;
    const error = link.reason as Error;
    if (error instanceof SchedulerError && HOPELESS.has(error.code)) throw error;
    failure ??= error;
  }
  return failure;
}

/** What is said once when a connection is lost. */
export function lossOf(away: readonly string[], cause: Error): ConnectionChange {
  if (away.length === 0) return { kind: "lost", error: cause };
  const message = `no connection to ${away.join("; ")} (${cause.message})`;
  const fix = "see CLUSTER NODES; the tasks of these shards wait, all others go on";
  const error = new SchedulerError("STORE_UNREACHABLE", message, { fix, cause });
  return { kind: "lost", error, isPart: true };
}
