/**
 * Opens a shard on the node that has it: says which layout its data have, and notices that they
 * were lost or replaced, or that another run of a server has them. Then nothing fires there before
 * everybody has told what is decided.
 */
import type { Chance } from "../../../chance.js";
import { ShardKeys } from "../keys.js";
import { decodeLayout, LAYOUT_VERSION, type Layout } from "../layout.js";
import type { Scripts } from "../shard.js";
import type { Births } from "./births.js";
import type { Node } from "./nodes.js";

export interface Opening {
  index: number;
  node: Node;
  births: Births;
  scripts: Scripts;
  /** Shards of a data set that is new. */
  wanted: number;
  prefix: string;
  identity: string;
  chance: Chance;
}

export async function openShard(parts: Opening): Promise<{ layout: Layout; emptied: boolean }> {
  const { index, node, births, scripts, wanted, prefix, identity, chance } = parts;
  const keys = new ShardKeys({ prefix, shard: index, identity });
  const run = (verb: "open" | "hold", names: readonly string[], args: readonly string[]) =>
    node.connection.command("EVAL", scripts[verb].text, String(names.length), ...names, ...args);
  const own = [String(LAYOUT_VERSION), String(wanted), chance.identity()];
  const reply = await run("open", [...keys.base, keys.layout], own);
  const layout = decodeLayout(reply as string[], prefix);
  const birth = { born: layout.born, runId: node.runId ?? node.name };
  const { emptied, isOther } = births.compare(index, birth);
  if (isOther) await run("hold", keys.base, [`${birth.born} ${birth.runId}`]);
  births.note(index, birth);
  return { layout, emptied };
}
