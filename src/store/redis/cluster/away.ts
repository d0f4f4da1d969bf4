/** Which shards cannot be reached while others can, as people are told. */
import { SchedulerError } from "../../../core/errors.js";
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

/** What is said once when they are lost. */
export function partLost(away: readonly string[], cause: Error): SchedulerError {
  const message = `no connection to ${away.join("; ")} (${cause.message})`;
  return new SchedulerError("STORE_UNREACHABLE", message, {
    fix: "see CLUSTER NODES; the tasks of these shards wait, all others go on",
    cause,
  });
}
