/** work: what has ended and what is wanted next, of one shard, as one numbered call. */
import type { DeadReason } from "../../core/job.js";
import { withinOneCall } from "../../core/settle-cost.js";
import type {
  Claim,
  ClaimedBatch,
  KeepRules,
  Settle,
  SettleAnswer,
  SettleOutcome,
  WorkAnswer,
  WorkArgs,
} from "../contract.js";
import { decodeClaimed, encodeKeep, stateOf, wholeNumber } from "./codec.js";
import { type Shard, TaskTable } from "./shard.js";

export interface ShardWork extends Omit<WorkArgs, "settles" | "claims"> {
  identity: string;
  settles: readonly Settle[];
  claims: readonly Claim[];
}

/** c: completed, and leaves nothing behind; k: completed; x: anything else. */
type GroupKind = "c" | "k" | "x";

interface Group {
  task: number;
  fence: string;
  kind: GroupKind;
  settles: Settle[];
  /** Where each settle stands in the caller's list. */
  places: number[];
}

export async function workOnShard(shard: Shard, work: ShardWork): Promise<WorkAnswer> {
  const pieces = piecesOf(work);
  const last = pieces.pop() ?? [];
  const settled: SettleAnswer[] = [];
  for (const piece of pieces) {
    const answer = await callWork(shard, { ...work, settles: piece, claims: [] });
    settled.push(...answer.settled);
  }
  const answer = await callWork(shard, { ...work, settles: last });
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

async function callWork(shard: Shard, work: ShardWork): Promise<WorkAnswer> {
  const tasks = new TaskTable();
  const groups = groupByLease(work.settles, tasks, work.keep);
  const claims = work.claims.flatMap((claim) => [
    String(tasks.indexOf(claim.taskId)),
    String(claim.limit),
  ]);
  const args = [
    work.identity,
    work.idle ? "1" : "0",
    wholeNumber(work.leaseMs),
    ...encodeKeep(work.keep),
    ...tasks.args(),
    String(groups.length),
  ];
  for (const group of groups) encodeGroup(group, work.keep.completed.count > 0, args);
  args.push(String(work.claims.length), ...claims);
  const reply = await shard.works.submit({ keys: tasks.keys(shard), args, timeoutMs: null });
  return await parseReply(shard, { reply, groups, tasks, leaseMs: work.leaseMs });
}

function groupByLease(settles: readonly Settle[], tasks: TaskTable, keep: KeepRules): Group[] {
  const groups = new Map<string, Group>();
  let last: { taskId: string; group: Group } | null = null;
  settles.forEach((settle, place) => {
    const { taskId, fence } = settle;
    const kind = kindOf(settle, keep);
    let group: Group | undefined;
    // Neighbours are mostly of one lease.
    if (last?.group.fence === fence && last.taskId === taskId && last.group.kind === kind) {
      group = last.group;
    } else {
      const task = tasks.indexOf(taskId);
      const key = `${kind}${task} ${fence}`;
      group = groups.get(key);
      if (group === undefined) {
        group = { task, fence, kind, settles: [], places: [] };
        groups.set(key, group);
      }
      last = { taskId, group };
    }
    group.settles.push(settle);
    group.places.push(place);
  });
  return Array.from(groups.values(), inLeaseOrder);
}

/** As they were claimed, which is mostly by number: the script walks through the lease once. */
function inLeaseOrder(group: Group): Group {
  const { settles, places } = group;
  const isSorted = settles.every((one, k) => k === 0 || settles[k - 1]!.number < one.number);
  if (isSorted) return group;
  const order = settles
    .map((_, k) => k)
    .sort((a, b) => (settles[a]!.number < settles[b]!.number ? -1 : 1));
  return {
    ...group,
    settles: order.map((k) => settles[k]!),
    places: order.map((k) => places[k]!),
  };
}

function kindOf({ outcome, id, scheduleId }: Settle, keep: KeepRules): GroupKind {
  if (outcome.kind !== "completed" || scheduleId !== null) return "x";
  return id === null && keep.completed.count === 0 ? "c" : "k";
}

function encodeGroup({ task, fence, kind, settles }: Group, keeps: boolean, args: string[]): void {
  args.push(String(task), fence, kind, String(settles.length));
  if (kind === "x") {
    for (const settle of settles) args.push(...encodeOutcome(settle), settle.scheduleId ?? "");
    return;
  }
  args.push(settles.map((settle) => settle.number).join(" "));
  if (kind === "c") return;
  pushColumn(args, settles, ({ id }) => id ?? "");
  pushColumn(args, settles, ({ outcome }) => (keeps ? resultOf(outcome) : ""));
}

function resultOf(outcome: SettleOutcome): string {
  if (outcome.kind !== "completed" || outcome.result === null) return "";
  return detail({ result: outcome.result });
}

/** How many, then so many texts; none where all of them are empty. */
function pushColumn(
  args: string[],
  settles: readonly Settle[],
  textOf: (settle: Settle) => string,
): void {
  const texts = settles.map(textOf);
  if (texts.some((text) => text !== "")) args.push(String(texts.length), ...texts);
  else args.push("0");
}

function encodeOutcome(settle: Settle): string[] {
  const { outcome, number } = settle;
  const id = settle.id ?? "";
  switch (outcome.kind) {
    case "completed":
      return [number, "c", id, "0", detail({ result: outcome.result })];
    case "retry": {
      const letter = outcome.cause === "invalid" ? "v" : "r";
      return [number, letter, id, wholeNumber(outcome.waitMs), outcome.error ?? ""];
    }
    case "dead": {
      return [
        number,
        deadLetter(outcome.reason),
        id,
        "0",
        detail({ reason: outcome.reason, error: outcome.error }),
      ];
    }
    case "handBack":
      return [number, "h", id, "0", "{}"];
  }
}

/** Interrupted by a stopping scheduler: dead, but no failure of its own. */
function deadLetter(reason: DeadReason): string {
  if (reason === "interrupted") return "i";
  return reason === "invalid" ? "n" : "d";
}

function detail(fields: Record<string, string | null>): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)),
  );
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
  const found = whole ?? (await recall(shard, args.tasks, refs));
  const claimed: ClaimedBatch[] = [];
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
    more: listOf(more).map((index) => args.tasks.nameOf(Number(index))),
    drain: drain === "1",
  };
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
    numbers: numbers.split(" "),
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
    const numbers = joined.split(" ");
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

/** The store says of a whole group that it completed or was lost, else of each of its jobs. */
function settledOf(groups: readonly Group[], text: string): SettleAnswer[] {
  const settled: SettleAnswer[] = [];
  const ofGroup = text.split(";");
  groups.forEach(({ places }, g) => {
    const answers = ofGroup[g] ?? "L";
    if (answers === "C") {
      for (const place of places) settled[place] = COMPLETED;
    } else if (answers === "L") {
      for (const place of places) settled[place] = "lost";
    } else {
      const each = answers.split(",");
      places.forEach((place, k) => {
        settled[place] = settleAnswer(each[k] ?? "l");
      });
    }
  });
  return settled;
}

const COMPLETED: SettleAnswer = Object.freeze({ state: "completed", dueAt: null });

function settleAnswer(text: string): SettleAnswer {
  const letter = text.charAt(0);
  if (letter === "l") return "lost";
  if (letter === "h") return { state: "ready", dueAt: null };
  return { state: stateOf(letter), dueAt: letter === "s" ? Number(text.slice(1)) : null };
}
