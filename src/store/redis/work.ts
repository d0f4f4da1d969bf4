/** work: what has ended and what is wanted next, of one shard, as one numbered call. */
import { MOST_SETTLE_COST, withinOneCall } from "../../core/settle-cost.js";
import type {
  Claim,
  ClaimedBatch,
  KeepRules,
  Settle,
  SettleAnswer,
  WorkAnswer,
  WorkArgs,
} from "../contract.js";
import { decodeClaimed, encodeKeep, wholeNumber } from "./codec.js";
import { costOfGroups, encodeGroup, type Group, groupByLease, settledOf } from "./settles.js";
import { type Shard, TaskTable } from "./shard.js";
import { numbersIn } from "./slice.js";

export interface ShardWork extends Omit<WorkArgs, "settles" | "claims"> {
  identity: string;
  settles: readonly Settle[];
  claims: readonly Claim[];
}

export async function workOnShard(shard: Shard, work: ShardWork): Promise<WorkAnswer> {
  const load = loadOf(work);
  if (costOfGroups(load.groups, work.keep) <= MOST_SETTLE_COST) {
    return await callWork(shard, work, load);
  }
  const pieces = piecesOf(work);
  const last = pieces.pop() ?? [];
  const settled: SettleAnswer[] = [];
  for (const settles of pieces) {
    const piece = { ...work, settles, claims: [] };
    const answer = await callWork(shard, piece, loadOf(piece));
    settled.push(...answer.settled);
  }
  const rest = { ...work, settles: last };
  const answer = await callWork(shard, rest, loadOf(rest));
  return { ...answer, settled: [...settled, ...answer.settled] };
}

/** Each for one script; claims go with the last one. */
function piecesOf({ settles, keep }: ShardWork): (readonly Settle[])[] {
  const pieces: (readonly Settle[])[] = [];
  for (let left = settles; left.length > 0; ) {
    const n = withinOneCall(left, keep, left.length);
    pieces.push(left.slice(0, n));
    left = left.slice(n);
  }
  return pieces;
}

/** What one call settles, and the tasks that it names. */
interface Load {
  tasks: TaskTable;
  groups: Group[];
}

function loadOf({ settles, keep }: ShardWork): Load {
  const tasks = new TaskTable();
  return { tasks, groups: groupByLease(settles, tasks, keep) };
}

async function callWork(shard: Shard, work: ShardWork, load: Load): Promise<WorkAnswer> {
  const { tasks, groups } = load;
  const args = argsOf(work, load);
  const reply = await shard.works.submit({ keys: tasks.keys(shard), args, timeoutMs: null });
  return await parseReply(shard, { reply, groups, tasks, leaseMs: work.leaseMs });
}

function argsOf(work: ShardWork, { tasks, groups }: Load): string[] {
  const args = [work.identity, idleArg(work), wholeNumber(work.leaseMs)];
  const claims: string[] = [];
  for (const { taskId, limit, fair } of work.claims) {
    claims.push(String(tasks.indexOf(taskId)), fair === true ? `~${limit}` : String(limit));
  }
  args.push(...textsOf(work.keep), ...tasks.args(), String(groups.length));
  for (const group of groups) encodeGroup(group, work.keep.completed.count > 0, args);
  args.push(String(work.claims.length), ...claims);
  return args;
}

let lastKeep: { keep: KeepRules; texts: readonly string[] } | null = null;

/** A scheduler has the same rules for ever: the last ones are remembered. */
function textsOf(keep: KeepRules): readonly string[] {
  if (lastKeep?.keep !== keep) lastKeep = { keep, texts: encodeKeep(keep) };
  return lastKeep.texts;
}

function idleArg({ idle, free }: ShardWork): string {
  if (idle) return "1";
  return free === true ? "f" : "0";
}

interface Reply {
  reply: readonly unknown[];
  groups: Group[];
  tasks: TaskTable;
  leaseMs: number;
}

async function parseReply(shard: Shard, args: Reply): Promise<WorkAnswer> {
  const [answer, ...batches] = args.reply;
  const [settles = "", leases = "", more = "", drain] = String(answer).split("|");
  const refs = listOf(leases).map((text) => {
    const [fence = "", index, alone] = text.split(":");
    return { fence, index: Number(index), alone: alone === "1" };
  });
  const whole = batches.length < refs.length ? null : takeApart(batches as string[][]);
  forget(batches as string[][]);
  const found = whole ?? (await recall(shard, args.tasks, refs));
  const claimed: ClaimedBatch[] = [];
  const nameOf = (index: string) => args.tasks.nameOf(Number.parseInt(index, 10));
  refs.forEach((ref, k) => {
    const batch = found[k];
    if (batch === undefined || batch.records.length === 0) return;
    claimed.push({
      fence: ref.fence,
      taskId: args.tasks.nameOf(ref.index),
      leaseMs: args.leaseMs,
      alone: ref.alone,
      jobs: jobsOf(shard.index, batch),
    });
  });
  return {
    settled: settledOf(args.groups, settles),
    batches: claimed,
    more: listOf(more).map(nameOf),
    left: more.includes("~") ? listOf(more).filter(isLeft).map(nameOf) : NONE,
    drain: drain === "1",
  };
}

/**
 * What is in the reply lives as long as the reply, which V8 takes to be used for long: the promises
 * that pass it on hang together with those of the calls before. Without this, all payloads are
 * moved to where only a whole collection finds them, which costs as much as all the rest.
 */
function forget(batches: string[][]): void {
  for (const batch of batches) batch.length = 0;
}

const NONE: string[] = [];

function isLeft(index: string): boolean {
  return index.endsWith("~");
}

function listOf(text: string): string[] {
  return text === "" ? [] : text.split(",");
}

/**
 * The claim was answered but the answer got lost: the leases still say what was claimed. Nobody
 * else knows of these jobs, so the question is asked until it is answered.
 */
async function recall(
  shard: Shard,
  tasks: TaskTable,
  refs: readonly { fence: string; index: number }[],
): Promise<Batch[]> {
  const args = [...tasks.args(), ...refs.flatMap((ref) => [ref.fence, String(ref.index)])];
  const call = { taskKeys: tasks.keys(shard), args };
  const found = (await shard.runUntilAnswered("recall", call)) as string[][];
  return found.map(([numbers = "", counts = "", ...records]) => ({
    numbers: numbersIn(numbers),
    counts: counts === "" ? [] : counts.split(";"),
    records,
  }));
}

/** The jobs of one lease. */
interface Batch {
  numbers: string[];
  counts: string[];
  records: string[];
}

/** null: a record holds the NUL that should part them; each can be asked for by itself. */
function takeApart(batches: readonly string[][]): Batch[] | null {
  const found: Batch[] = [];
  for (const [joined = "", counts = "", ...pieces] of batches) {
    const numbers = numbersIn(joined);
    const records = pieces.flatMap((piece) => piece.split("\0"));
    if (records.length !== numbers.length) return null;
    found.push({ numbers, counts: counts === "" ? [] : counts.split(";"), records });
  }
  return found;
}

function jobsOf(shard: number, { numbers, counts, records }: Batch): ClaimedBatch["jobs"] {
  return numbers.map((number, k) =>
    decodeClaimed({ shard, number, record: records[k] ?? "\n", counts: counts[k] ?? "" }),
  );
}
