/** mend: a piece of one task, of one shard. */
import type { MendArgs, Mended } from "../contract.js";
import { pairs } from "./codec.js";
import type { Shard } from "./shard.js";

export async function mendOnShard(
  shard: Shard,
  { taskId, urgent, place }: MendArgs,
): Promise<Mended> {
  const args = [urgent ? "1" : "0", place];
  const [next = "", ...mended] = (await shard.runOnTask("mend", taskId, args)) as string[];
  const counted = pairs(mended).map(([kind, n]) => [kind, Number(n)]);
  return { place: next, mended: Object.fromEntries(counted) };
}
