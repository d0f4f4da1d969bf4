/** renew and reap: leases of one shard are lengthened, or taken back. */
import type { DeadReason } from "../../core/job.js";
import type { LeaseRef, ReapArgs, Reaped, RenewArgs, Renewed } from "../contract.js";
import { decodeCounts, encodeKeep, pairs, publicId, stateOf, wholeNumber } from "./codec.js";
import { type Shard, TaskTable } from "./shard.js";

export async function renewOnShard(shard: Shard, args: RenewArgs): Promise<Renewed> {
  const taskOf = new Map(args.leases.map((lease) => [lease.fence, lease.taskId]));
  const ref = (fence: string): LeaseRef => ({ fence, taskId: taskOf.get(fence) ?? "" });
  const [lost, cancelled] = (await shard.run("renew", {
    args: [
      String(args.leases.length),
      ...args.leases.map(({ fence, confirmMs }) =>
        confirmMs === undefined ? fence : `${fence}:${wholeNumber(confirmMs)}`,
      ),
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
