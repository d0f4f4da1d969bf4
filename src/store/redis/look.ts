/** look: what there is to do, over all shards, and how long this scheduler may sleep. */
import type { Clock } from "../../clock.js";
import type { Fireable, Look, LookArgs } from "../contract.js";
import { pairs } from "./codec.js";
import { decodeDue, encodeRegistration } from "./schedule-codec.js";
import type { Shard } from "./shard.js";
import { shardOfTask } from "./shards.js";
import type { Sleep } from "./sleep.js";

/** So many are told in one look, those that are left in the next. */
const MOST_WATCHED = 1_000;

export interface LookParts extends LookArgs {
  identity: string;
  clock: Clock;
  sleep: Sleep;
  /** The same for what it can fire: `t` and a task, `l` and a local schedule. */
  watch: Sleep;
  /** Where a schedule was seen last; null: never. */
  shardOfSchedule: (scheduleId: string) => number | null;
}

/** Looks at all shards; `sessionKnown` false: one of them does not know this scheduler any more. */
export async function lookAtAll(
  shards: readonly Shard[],
  parts: LookParts,
): Promise<{ look: Look; sessionKnown: boolean }> {
  const { sleep, watch, taskIds, fireable, shardOfSchedule } = parts;
  const now = parts.clock.monotonic();
  const { endings } = sleep;
  const missing = sleep.missing(taskIds, now);
  const watchEndings = watch.endings;
  const looks = await Promise.all(
    shards.map(async (shard) => {
      const mine = (id: string) => shardOfTask(id, shards.length) === shard.index;
      const sleepFor = missing.filter(mine);
      const own = {
        taskIds: fireable.taskIds.filter(mine),
        scheduleIds: fireable.scheduleIds.filter(
          (id) => (shardOfSchedule(id) ?? shard.index) === shard.index,
        ),
      };
      const unwatched = watch.missing(watchedBy(own), now).slice(0, MOST_WATCHED);
      const look = await lookAtShard(shard, {
        identity: parts.identity,
        taskIds: taskIds.filter(mine),
        fireable: own,
        registration: parts.registration,
        sleepMs: parts.sleepMs,
        sleepFor,
        unwatched: new Set(unwatched),
      });
      if (look.registered) {
        sleep.registered(sleepFor, { now, endings });
        watch.registered(unwatched, { now, endings: watchEndings });
      }
      return look;
    }),
  );
  const first = looks.reduce((a, b) => (b.waitMs < a.waitMs ? b : a));
  const look = {
    taskIds: looks.flatMap((part) => part.taskIds),
    schedules: looks.flatMap((part) => part.schedules),
    expired: looks.flatMap((part) => part.expired),
    waitMs: first.waitMs,
    nextTaskId: first.nextTaskId,
    // Each counts for itself: what rises in one of them rises here.
    registrations: looks.reduce((sum, part) => sum + part.registrations, 0),
    repair: looks.some((part) => part.repair),
    complete: looks.every((part) => part.complete),
    now: Math.max(...looks.map((part) => part.now)),
  };
  return { look, sessionKnown: looks.every((part) => part.sessionKnown) };
}

interface ShardLook extends Look {
  /** False: the store does not know this scheduler's session (any more). */
  sessionKnown: boolean;
  /** True: this scheduler is woken from now on for the tasks of `sleepFor`, too. */
  registered: boolean;
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
  const [session, registered, registrations, repair, complete, nextTaskId = ""] = flags;
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
