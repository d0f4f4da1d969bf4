/** mend: a piece of one task, or of a few that have little, of one shard. */
import type { MendArgs, Mended } from "../contract.js";
import { pairs } from "./codec.js";
import { type Shard, TaskTable } from "./shard.js";

export async function mendOnShard(
  shard: Shard,
  { taskId, urgent, place, next = [] }: MendArgs,
): Promise<Mended> {
  const tasks = new TaskTable();
  for (const name of urgent ? [taskId] : [taskId, ...next]) tasks.indexOf(name);
  const args = [urgent ? "1" : "0", place, ...tasks.args()];
  const reply = (await shard.run("mend", { taskKeys: tasks.keys(shard), args })) as string[];
  const [seen = "1", following = "", ...mended] = reply;
  const counted = pairs(mended).map(([kind, n]) => [kind, Number(n)]);
  return { seen: Number(seen) - 1, place: following, mended: Object.fromEntries(counted) };
}
