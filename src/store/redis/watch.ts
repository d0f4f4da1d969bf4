/** look, renew and reap: what keeps a fleet going while nothing happens, of one shard. */
import type { DeadReason } from "../../core/job.js";
import type {
  DueSchedule,
  LeaseRef,
  Look,
  ReapArgs,
  Reaped,
  RenewArgs,
  Renewed,
} from "../contract.js";
import { decodeCounts, encodeKeep, publicId, stateOf } from "./codec.js";
import { decodeSchedule } from "./schedules.js";
import { type Shard, TaskTable } from "./shard.js";

export interface ShardLook extends Look {
  /** False: the store does not know this scheduler's session (any more). */
  sessionKnown: boolean;
}

export async function lookAtShard(
  shard: Shard,
  args: {
    identity: string;
    taskIds: readonly string[];
    scheduleIds: readonly string[];
    sleepMs: number;
  },
): Promise<ShardLook> {
  const { identity, taskIds, scheduleIds, sleepMs } = args;
  const reply = (await shard.run("look", {
    taskKeys: taskIds.map((taskId) => shard.keys.sleepers(taskId)),
    args: [
      identity,
      String(Math.max(0, Math.round(sleepMs))),
      String(taskIds.length),
      ...taskIds,
      String(scheduleIds.length),
      ...scheduleIds,
    ],
  })) as [string, string, string, string[], string[], string];
  const [now, waitMs, tasks, expired, schedules, session] = reply;
  return {
    now: Number(now),
    waitMs: Number(waitMs),
    taskIds: tasks === "" ? [] : tasks.split(",").map((k) => taskIds[Number(k) - 1] ?? ""),
    expired: pairs(expired).map(([fence, taskId]) => ({ fence, taskId })),
    schedules: dueSchedules(schedules),
    sessionKnown: session === "1",
  };
}

function pairs(flat: readonly string[]): [string, string][] {
  const out: [string, string][] = [];
  for (let k = 0; k + 1 < flat.length; k += 2) out.push([flat[k] ?? "", flat[k + 1] ?? ""]);
  return out;
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

export async function renewOnShard(shard: Shard, args: RenewArgs): Promise<Renewed> {
  const taskOf = new Map(args.leases.map((lease) => [lease.fence, lease.taskId]));
  const ref = (fence: string): LeaseRef => ({ fence, taskId: taskOf.get(fence) ?? "" });
  const [lost, cancelled] = (await shard.run("renew", {
    args: [
      String(args.leases.length),
      ...args.leases.map((lease) => lease.fence),
      ...args.progress.flatMap((entry) => [entry.number, entry.value]),
    ],
  })) as [string[], string[]];
  return {
    lost: lost.map(ref),
    cancelled: pairs(cancelled).map(([fence, number]) => ({ ...ref(fence), number })),
  };
}

export async function reapOnShard(shard: Shard, args: ReapArgs): Promise<Reaped[]> {
  const tasks = new TaskTable();
  const leases = args.leases.flatMap((lease) => [lease.fence, String(tasks.indexOf(lease.taskId))]);
  const reply = (await shard.run("reap", {
    taskKeys: tasks.keys(shard),
    args: [args.random.toFixed(6), ...encodeKeep(args.keep), ...tasks.args(), ...leases],
  })) as string[][];
  return reply.map((job) => {
    const [index, fence = "", number = "", id = "", letter = "", reason = "", due = ""] = job;
    return {
      taskId: tasks.nameOf(Number(index)),
      fence,
      number,
      id: publicId({ shard: shard.index, number, ownId: id === "" ? null : id }),
      state: stateOf(letter) as Reaped["state"],
      reason: reason === "" ? null : (reason as DeadReason),
      dueAt: due === "" ? null : Number(due),
      counts: decodeCounts(job[7] ?? ""),
    };
  });
}
