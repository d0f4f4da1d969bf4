/** look: what there is to do in a shard, and how long this scheduler may sleep. */
import type { Clock } from "../../clock.js";
import type { Fireable, LeaseRef, Look, LookArgs } from "../contract.js";
import { pairs } from "./codec.js";
import { decodeDue, encodeRegistration } from "./schedule-codec.js";
import type { Shard } from "./shard.js";
import type { ShardClocks } from "./shard-clocks.js";
import { shardOfTask } from "./shards.js";
import type { Sleep } from "./sleep.js";

/** So many are told in one look, those that are left in the next. */
const MOST_WATCHED = 1_000;

/** A script asks for so many tasks and local schedules; more are asked for by several. */
const MOST_NAMES = 500;

export interface LookParts extends LookArgs {
  identity: string;
  clock: Clock;
  /** What the server knows of this scheduler's sleep, in each shard. */
  sleepOf: (shard: number) => Sleep;
  /** The same for what it can fire: `t` and a task, `l` and a local schedule. */
  watch: Sleep;
  clocks: ShardClocks;
  /** Where a schedule was seen last; null: never. */
  shardOfSchedule: (scheduleId: string) => number | null;
  shardCount: number;
  /** Told by each look: how many tasks are spread from that shard. */
  onSpreads: (shard: number, spreads: string) => void;
}

/**
 * Looks at the shard that is named; `sessionKnown` false: it does not know this scheduler any more.
 */
export async function lookInShard(shard: Shard, parts: LookParts): Promise<ShardLook> {
  return await lookAt(shard, ownOf(parts, shard), parts);
}

/** Several looks of one scheduler, as one. */
export function together(
  looks: readonly Look[],
  bounds: { longestMs: number; registrations: number },
): Look {
  const first = looks.reduce<Look | null>(
    (a, b) => (a === null || b.waitMs < a.waitMs ? b : a),
    null,
  );
  const isFirst = first !== null && first.waitMs <= bounds.longestMs;
  // Each server has its own clock: what is due is planned by the clock by which it is due.
  const due = looks.filter((part) => part.schedules.length > 0).map((part) => part.now);
  return {
    taskIds: looks.flatMap((part) => part.taskIds),
    schedules: looks.flatMap((part) => part.schedules),
    expired: [
      ...new Map(looks.flatMap((part) => part.expired.map((ref) => [keyOf(ref), ref]))).values(),
    ],
    waitMs: isFirst ? first.waitMs : bounds.longestMs,
    nextTaskId: isFirst ? first.nextTaskId : null,
    registrations: bounds.registrations,
    repair: looks.some((part) => part.repair),
    complete: looks.every((part) => part.complete),
    now: due.length > 0 ? Math.max(...due) : Math.min(...looks.map((part) => part.now)),
  };
}

/** What this scheduler has to do in one shard. */
interface Own {
  taskIds: readonly string[];
  fireable: Fireable;
}

function ownOf({ taskIds, fireable, shardOfSchedule, shardCount }: LookParts, shard: Shard): Own {
  if (shardCount === 1) return { taskIds, fireable };
  const { index } = shard;
  return {
    // Of the shard that is named; some may have their home elsewhere, with their schedules.
    taskIds,
    fireable: {
      taskIds: fireable.taskIds.filter((id) => shardOfTask(id, shardCount) === index),
      scheduleIds: fireable.scheduleIds.filter((id) => (shardOfSchedule(id) ?? index) === index),
    },
  };
}

function keyOf({ taskId, fence }: LeaseRef): string {
  return `${fence} ${taskId}`;
}

async function lookAt(shard: Shard, own: Own, parts: LookParts): Promise<ShardLook> {
  const pieces = piecesOf(own);
  const looks = await Promise.all(pieces.map((piece) => lookAtPiece(shard, piece, parts)));
  const [first] = looks;
  if (looks.length === 1 && first !== undefined) return first;
  const registrations = Math.max(...looks.map((look) => look.registrations));
  return {
    ...together(looks, { longestMs: parts.sleepMs, registrations }),
    sessionKnown: looks.every((look) => look.sessionKnown),
    registered: looks.every((look) => look.registered),
    spreads: first?.spreads ?? "0",
  };
}

function piecesOf(own: Own): Own[] {
  const { scheduleIds } = own.fireable;
  const tasks = [...new Set([...own.taskIds, ...own.fireable.taskIds])];
  if (tasks.length + scheduleIds.length <= MOST_NAMES) return [own];
  const [idle, fireable] = [new Set(own.taskIds), new Set(own.fireable.taskIds)];
  const ofTasks = slicesOf(tasks).map((some) => ({
    taskIds: some.filter((taskId) => idle.has(taskId)),
    fireable: { taskIds: some.filter((taskId) => fireable.has(taskId)), scheduleIds: [] },
  }));
  const ofLocals = slicesOf(scheduleIds).map((some) => ({
    taskIds: [],
    fireable: { taskIds: [], scheduleIds: some },
  }));
  return [...ofTasks, ...ofLocals];
}

function slicesOf(names: readonly string[]): string[][] {
  const slices: string[][] = [];
  for (let at = 0; at < names.length; at += MOST_NAMES) {
    slices.push(names.slice(at, at + MOST_NAMES));
  }
  return slices;
}

async function lookAtPiece(shard: Shard, own: Own, parts: LookParts): Promise<ShardLook> {
  const { sleepOf, watch, identity, registration, sleepMs } = parts;
  const sleep = sleepOf(shard.index);
  const now = parts.clock.monotonic();
  const { endings } = sleep;
  const watchEndings = watch.endings;
  const sleepFor = sleep.missing(own.taskIds, now);
  const unwatched = watch.missing(watchedBy(own.fireable), now).slice(0, MOST_WATCHED);
  const look = await lookAtShard(shard, {
    ...own,
    identity,
    registration,
    sleepMs,
    sleepFor,
    unwatched: new Set(unwatched),
  });
  parts.clocks.note(shard.index, { now: look.now, at: now });
  if (parts.shardCount > 1) {
    parts.onSpreads(shard.index, look.spreads);
    for (const ref of look.expired) ref.shard = shard.index;
  }
  if (look.registered) {
    sleep.registered(sleepFor, { now, endings });
    watch.registered(unwatched, { now, endings: watchEndings });
  }
  return look;
}

export interface ShardLook extends Look {
  /** False: the store does not know this scheduler's session (any more). */
  sessionKnown: boolean;
  /** True: this scheduler is woken from now on for the tasks of `sleepFor`, too. */
  registered: boolean;
  /** How many tasks are spread from here. */
  spreads: string;
}

interface ShardLookArgs extends LookArgs {
  identity: string;
  /** Those of the tasks for which the server does not know yet that this scheduler sleeps. */
  sleepFor: readonly string[];
  /** Those that it can fire, of which the server does not know yet that it watches them. */
  unwatched: ReadonlySet<string>;
}

type Reply = [...[string, string, string, string[], string[][]], ...string[]];

async function lookAtShard(shard: Shard, args: ShardLookArgs): Promise<ShardLook> {
  const names = flagged(args);
  const reply = (await shard.run("look", {
    taskKeys: [args.sleepFor.map((taskId) => shard.keys.sleepers(taskId))],
    args: [
      args.identity,
      String(Math.max(0, Math.round(args.sleepMs))),
      ...encodeRegistration(args.registration),
      ...names,
    ],
  })) as Reply;
  const [now, waitMs, tasks, expired, due, ...flags] = reply;
  const [session, registered, registrations, repair, complete, nextTaskId = "", spreads = "0"] =
    flags;
  return {
    now: Number(now),
    waitMs: Number(waitMs),
    nextTaskId: nextTaskId === "" ? null : nextTaskId,
    taskIds: tasks === "" ? [] : tasks.split(",").map((k) => names[Number(k) - 1]?.slice(1) ?? ""),
    expired: pairs(expired).map(([fence, taskId]) => ({ fence, taskId })),
    schedules: due.map(decodeDue),
    registrations: Number(registrations),
    repair: repair === "1",
    complete: complete === "1",
    sessionKnown: session === "1",
    registered: registered === "1",
    spreads,
  };
}

function watchedBy({ taskIds, scheduleIds }: Fireable): string[] {
  return [...taskIds.map((taskId) => `t${taskId}`), ...scheduleIds.map((id) => `l${id}`)];
}

/**
 * Each once: `i` an idle task, `f` one whose schedules it can fire, `b` both, `l` a local schedule;
 * in capitals what it is not known to watch.
 */
function flagged({ taskIds, fireable, unwatched }: ShardLookArgs): string[] {
  const rest = new Set(fireable.taskIds);
  const flag = (letter: string, watched: string): string =>
    unwatched.has(watched) ? letter.toUpperCase() : letter;
  const names = taskIds.map((taskId) =>
    rest.delete(taskId) ? flag("b", `t${taskId}`) + taskId : `i${taskId}`,
  );
  for (const taskId of rest) names.push(flag("f", `t${taskId}`) + taskId);
  for (const id of fireable.scheduleIds) names.push(flag("l", `l${id}`) + id);
  return names;
}
