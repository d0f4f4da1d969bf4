/** get, cancel, redrive, list, counts and prune: jobs for people, of one shard. */

import { isRefused, ofNoPage } from "../../core/errors.js";
import type { DeadReason, JobState } from "../../core/job.js";
import { DEFAULT_KEEP } from "../../core/keep.js";
import type {
  CancelAnswer,
  JobPage,
  JobRef,
  JobView,
  KeepRules,
  ListArgs,
  RedriveAnswer,
  TaskCounts,
} from "../contract.js";
import {
  decodeCounts,
  decodeDue,
  decodeRecord,
  encodeKeep,
  encodeRecord,
  publicId,
  spelledNumber,
} from "./codec.js";
import { type Shard, TaskTable } from "./shard.js";

export async function getFromShard(shard: Shard, ref: JobRef): Promise<JobView | null> {
  const view = await askFor(shard, ref);
  return view.length > 2 ? viewOf({ shard, taskId: ref.taskId, view }) : null;
}

/** A whole view; number and state of a job whose id is all that is left; or nothing. */
async function askFor(shard: Shard, ref: JobRef): Promise<string[]> {
  const spelled = spelledNumber(ref.id, shard.index);
  return (await shard.runOnTask("get", ref.taskId, [ref.id, spelled])) as string[];
}

export async function cancelOnShard(shard: Shard, ref: JobRef): Promise<CancelAnswer | null> {
  const [state, changed] = (await shard.runOnTask("cancel", ref.taskId, [
    ref.id,
    spelledNumber(ref.id, shard.index),
    ...encodeKeep(ref.keep ?? DEFAULT_KEEP),
  ])) as [CancelAnswer["state"], string];
  return state === undefined ? null : { state, changed: changed === "1" };
}

export async function redriveOnShard(shard: Shard, ref: JobRef): Promise<RedriveAnswer | null> {
  for (;;) {
    const view = await askFor(shard, ref);
    if (view.length === 0) return null;
    const [number = "", state] = view as [string, JobState];
    if (state !== "dead" && state !== "cancelled") return { id: ref.id, redriven: false, state };
    if (view.length === 2) return null;
    const { id, taskId, payload, rules, occurrence } = viewOf({ shard, taskId: ref.taskId, view });
    const record = encodeRecord({ taskId, id, payload, due: null, rules, occurrence });
    const done = await shard.run("redrive", {
      taskKeys: [shard.keys.task(taskId)],
      args: [taskId, id, number, record],
    });
    if (Number(done) === 1) return { id, redriven: true, state: "ready" };
    if (Number(done) === 2) return { id: ref.id, redriven: false, state };
    // Somebody else was faster: what is it now?
  }
}

/** As `list.lua` makes them; of all states that are not here: a score, and a number. */
const CURSORS: Partial<Record<ListArgs["state"], RegExp>> = {
  ready: /^\d:\d+:./s,
  running: /^\d+:\d+$|^b\d+:\d*$/,
};
const OTHER_CURSORS = /^-?[\d.]+:\d+$/;

/** A script shows a piece of the page, so that it stays short; one of big jobs ends there. */
export async function listOnShard(shard: Shard, args: ListArgs): Promise<JobPage> {
  const { taskId, state, limit } = args;
  const jobs: JobView[] = [];
  let { cursor } = args;
  const isOurs = (CURSORS[state] ?? OTHER_CURSORS).test(cursor ?? "");
  if (cursor !== null && !isOurs) throw ofNoPage(cursor);
  let bytes = 0;
  do {
    const call = [state, cursor ?? "", String(limit - jobs.length)];
    const reply = (await shard.runOnTask("list", taskId, call)) as [string, ...string[][]];
    const [next, ...views] = reply;
    for (const view of views) {
      bytes += view[2]?.length ?? 0;
      jobs.push(viewOf({ shard, taskId, view }));
    }
    cursor = next === "" ? null : next;
  } while (cursor !== null && jobs.length < limit && bytes < MOST_LISTED_BYTES);
  return { jobs, cursor };
}

const MOST_LISTED_BYTES = 4 * 1024 * 1024;

export async function countsOnShard(shard: Shard, taskId: string): Promise<TaskCounts> {
  const reply = await shard.runOnTask("counts", taskId, []);
  const totals = (reply[6] as string[]).map(Number);
  const [scheduled = 0, records = 0, running = 0, completed = 0, dead = 0, cancelled = 0] = reply
    .slice(0, 6)
    .map(Number);
  return {
    scheduled,
    ready: records - running,
    running,
    completed,
    dead,
    cancelled,
    total: {
      pushed: totals[0] ?? 0,
      completed: totals[1] ?? 0,
      dead: totals[2] ?? 0,
      cancelled: totals[3] ?? 0,
      failures: totals[4] ?? 0,
      crashes: totals[5] ?? 0,
      dropped: totals[6] ?? 0,
    },
  };
}

/** Tasks of one call: mostly there is nothing to delete, and a call costs more than to see that. */
const MOST_PRUNED = 50;

/** Where more fail it is the server that refuses, and asking for each alone is no use. */
const MOST_DAMAGED = 5;

/**
 * A piece of each task; true: there is more. One whose keys are damaged keeps no others from
 * theirs: rejects with what was wrong with the first of them, when all have had their turn.
 */
export async function pruneOnShard(
  shard: Shard,
  taskIds: readonly string[],
  keep: KeepRules,
): Promise<boolean> {
  const failures: unknown[] = [];
  let more = false;
  const prune = async (some: readonly string[]): Promise<void> => {
    if (failures.length === MOST_DAMAGED) return;
    try {
      const left = await prunePiece(shard, some, keep);
      // Together each had a small part only.
      if (some.length > 1) for (const one of left) await prune([one]);
      else if (left.length > 0) more = true;
    } catch (error) {
      if (!isRefused(error)) throw error;
      if (some.length === 1) failures.push(error);
      else for (const half of halvesOf(some)) await prune(half);
    }
  };
  for (let from = 0; from < taskIds.length; from += MOST_PRUNED) {
    await prune(taskIds.slice(from, from + MOST_PRUNED));
  }
  if (failures.length > 0) throw failures[0];
  return more;
}

function halvesOf<Item>(items: readonly Item[]): Item[][] {
  const half = Math.ceil(items.length / 2);
  return [items.slice(0, half), items.slice(half)];
}

/** Which of them have more. */
async function prunePiece(
  shard: Shard,
  taskIds: readonly string[],
  keep: KeepRules,
): Promise<string[]> {
  const tasks = new TaskTable();
  for (const taskId of taskIds) tasks.indexOf(taskId);
  const args = [...encodeKeep(keep), ...tasks.args()];
  const left = String(await shard.run("prune", { taskKeys: tasks.keys(shard), args }));
  return left === "" ? [] : left.split(",").map((index) => tasks.nameOf(Number(index)));
}

interface ViewArgs {
  shard: Shard;
  taskId: string;
  view: readonly string[];
}

function viewOf(args: ViewArgs): JobView {
  const [number = "", state, text = "", counts = "", due = "", fence = "", ends = ""] = args.view;
  const ended = endedOf(state as JobState, text);
  const { head, payload } = decodeRecord(ended.record);
  return {
    id: publicId({ shard: args.shard.index, number, ownId: head.id }),
    taskId: args.taskId,
    number,
    state: state as JobState,
    payload,
    rules: head.rules,
    occurrence: head.occurrence,
    counts: decodeCounts(ended.counts ?? counts),
    pushedAt: Math.floor(Number(number) / 1000),
    dueAt: decodeDue(due),
    leaseEndsAt: ends === "" ? null : Number(ends),
    fence: fence === "" ? null : fence,
    cancelling: args.view[7] === "1",
    progress: args.view[8] === "" ? null : (args.view[8] ?? null),
    endedAt: ended.endedAt,
    reason: ended.reason,
    error: ended.error ?? (args.view[9] || null),
    result: ended.result,
  };
}

interface Ended {
  record: string;
  counts: string | null;
  endedAt: number | null;
  reason: DeadReason | null;
  error: string | null;
  result: string | null;
}

/** Ended jobs are kept as `letter|endedAt|counts|detail \n record`. */
function endedOf(state: JobState, text: string): Ended {
  const nothing = { counts: null, endedAt: null, reason: null, error: null, result: null };
  if (state !== "completed" && state !== "dead" && state !== "cancelled") {
    return { record: text, ...nothing };
  }
  const stop = text.indexOf("\n");
  const match = /^\w\|(\d+)\|([\d,]*)\|(.*)$/s.exec(text.slice(0, stop));
  const detail = JSON.parse(match?.[3] || "{}") as Partial<Record<string, string>>;
  return {
    record: text.slice(stop + 1),
    counts: match?.[2] ?? "",
    endedAt: Number(match?.[1]),
    reason: (detail.reason as DeadReason | undefined) ?? null,
    error: detail.error ?? null,
    result: detail.result ?? null,
  };
}
