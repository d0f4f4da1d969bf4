/** look: what there is to do, over all shards, and how long this scheduler may sleep. */
import type { Clock } from "../../clock.js";
import type { DueSchedule, Look, LookArgs } from "../contract.js";
import { pairs } from "./codec.js";
import { decodeSchedule } from "./schedules.js";
import type { Shard } from "./shard.js";
import { shardOfTask } from "./shards.js";
import type { Sleep } from "./sleep.js";

export interface LookParts extends LookArgs {
  identity: string;
  clock: Clock;
  sleep: Sleep;
  /** A look names schedules only; their shard is their task's. */
  shardOfSchedule: ReadonlyMap<string, number>;
}

/** Looks at all shards; `sessionKnown` false: one of them does not know this scheduler any more. */
export async function lookAtAll(
  shards: readonly Shard[],
  parts: LookParts,
): Promise<{ look: Look; sessionKnown: boolean }> {
  const { sleep, taskIds, scheduleIds, shardOfSchedule } = parts;
  const now = parts.clock.monotonic();
  const { endings } = sleep;
  const missing = sleep.missing(taskIds, now);
  const looks = await Promise.all(
    shards.map(async (shard) => {
      const mine = (id: string) => shardOfTask(id, shards.length) === shard.index;
      const sleepFor = missing.filter(mine);
      const look = await lookAtShard(shard, {
        identity: parts.identity,
        taskIds: taskIds.filter(mine),
        scheduleIds: scheduleIds.filter((id) => (shardOfSchedule.get(id) ?? 0) === shard.index),
        sleepMs: parts.sleepMs,
        sleepFor,
      });
      if (look.registered) sleep.registered(sleepFor, { now, endings });
      return look;
    }),
  );
  const look = {
    taskIds: looks.flatMap((part) => part.taskIds),
    schedules: looks.flatMap((part) => part.schedules),
    expired: looks.flatMap((part) => part.expired),
    waitMs: Math.min(...looks.map((part) => part.waitMs)),
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

async function lookAtShard(
  shard: Shard,
  args: {
    identity: string;
    taskIds: readonly string[];
    scheduleIds: readonly string[];
    sleepMs: number;
    /** Those of the tasks for which the server does not know yet that this scheduler sleeps. */
    sleepFor: readonly string[];
  },
): Promise<ShardLook> {
  const { identity, taskIds, scheduleIds, sleepMs } = args;
  const reply = (await shard.run("look", {
    taskKeys: args.sleepFor.map((taskId) => shard.keys.sleepers(taskId)),
    args: [
      identity,
      String(Math.max(0, Math.round(sleepMs))),
      String(taskIds.length),
      ...taskIds,
      String(scheduleIds.length),
      ...scheduleIds,
    ],
  })) as [string, string, string, string[], string[], string, string];
  const [now, waitMs, tasks, expired, schedules, session, registered] = reply;
  return {
    now: Number(now),
    waitMs: Number(waitMs),
    taskIds: tasks === "" ? [] : tasks.split(",").map((k) => taskIds[Number(k) - 1] ?? ""),
    expired: pairs(expired).map(([fence, taskId]) => ({ fence, taskId })),
    schedules: dueSchedules(schedules),
    sessionKnown: session === "1",
    registered: registered === "1",
  };
}

function dueSchedules(flat: readonly string[]): DueSchedule[] {
  const due: DueSchedule[] = [];
  for (let k = 0; k + 2 < flat.length; k += 3) {
    const record = decodeSchedule(flat[k + 2] ?? "");
    due.push({
      scheduleId: flat[k] ?? "",
      nextAt: Number(flat[k + 1]),
      taskId: record.taskId,
      revision: record.revision,
      definition: record.definition,
    });
  }
  return due;
}
