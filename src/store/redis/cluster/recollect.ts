/**
 * A shard that another run of a server has may have forgotten over how many shards its tasks are
 * spread: replication is asynchronous. Whoever opens it there asks all other shards, and adds what
 * it knows itself, before anybody takes a job to the wrong place.
 */
import type { Clock, Timer } from "../../../clock.js";
import { ShardKeys } from "../keys.js";
import type { Spread } from "../session.js";
import type { Scripts } from "../shard.js";
import type { Node } from "./nodes.js";

/** Whoever is not connected by then is away, and is asked again when it is back. */
const THERE_WITHIN_MS = 250;

export interface Recollecting {
  index: number;
  node: Node;
  runId: string;
  /** Of each shard; null: nobody is known. */
  owners: readonly (Node | null)[];
  /** What this scheduler knows. */
  known: Spread;
  /** So long others are waited for, ms. */
  withinMs: number;
  clock: Clock;
  scripts: Scripts;
  prefix: string;
  identity: string;
}

/** `isSure`: all have told what they know. */
export async function recollect(parts: Recollecting): Promise<{ spread: Spread; isSure: boolean }> {
  const { index, node, owners, known, clock, withinMs } = parts;
  const others = owners.flatMap((owner, shard) => (shard === index ? [] : [{ owner, shard }]));
  let timer: Timer | undefined;
  const tooLate = new Promise<null>((resolve) => {
    timer = clock.after(withinMs, () => resolve(null));
  });
  const heard = await Promise.all(
    others.map(({ owner, shard }) => {
      const answer = owner === null ? null : ask(owner, { ...parts, shard }).catch(() => null);
      return Promise.race([answer, tooLate]);
    }),
  );
  timer?.cancel();
  const all = new Map([...known, ...heard.flatMap((spread) => spread ?? [])]);
  const isSure = !heard.includes(null);
  const flat = Array.from(all, ([taskId, over]) => [taskId, String(over)]).flat();
  const told = ["respread", isSure ? parts.runId : "", ...flat] as const;
  const reply = await run(node, { ...parts, shard: index }, told);
  const spread = [...all.keys()].map((taskId, k) => [taskId, Number(reply[k])] as const);
  return { spread, isSure };
}

interface Of extends Pick<Recollecting, "scripts" | "prefix" | "identity" | "withinMs"> {
  shard: number;
}

async function ask(owner: Node, of: Of & { index: number }): Promise<Spread> {
  await owner.connection.whenReady(Math.min(of.withinMs, THERE_WITHIN_MS));
  const reply = await run(owner, of, ["spreads", String(of.index)]);
  return reply.flatMap((taskId, k) => (k % 2 === 0 ? [[taskId, Number(reply[k + 1])]] : []));
}

/** Before the shard is open: by its text, on that node or not at all. */
async function run(
  node: Node,
  { shard, scripts, prefix, identity }: Of,
  [verb, ...args]: readonly ["spreads" | "respread", ...string[]],
): Promise<string[]> {
  const { base } = new ShardKeys({ prefix, shard, identity });
  const call = [scripts[verb].text, String(base.length), ...base, ...args];
  return (await node.connection.command("EVAL", ...call)) as string[];
}
