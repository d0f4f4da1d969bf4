/** renew and reap: leases of one shard are lengthened, or taken back. */
import type { DeadReason } from "../../core/job.js";
import type { LeaseRef, ReapArgs, Reaped, RenewArgs, Renewed } from "../contract.js";
import {
  decodeCounts,
  decodeDue,
  encodeKeep,
  pairs,
  publicId,
  stateOf,
  wholeNumber,
} from "./codec.js";
import { type Shard, TaskTable } from "./shard.js";

/** A script takes at most this much, so that it stays short. */
const MOST_RENEWED = 50;
const MOST_SAID = 250;

export async function renewOnShard(shard: Shard, args: RenewArgs): Promise<Renewed> {
  const parts = await Promise.all(piecesOf(args).map((piece) => renewPiece(shard, piece)));
  const lost = new Map(parts.flatMap((part) => part.lost.map((ref) => [ref.fence, ref])));
  const cancelled = new Map(
    parts.flatMap((part) => part.cancelled.map((job) => [`${job.fence} ${job.number}`, job])),
  );
  return { lost: [...lost.values()], cancelled: [...cancelled.values()] };
}

/** Each lease with what is said of its jobs; one of which much is said is named again. */
function piecesOf({ leases, progress }: RenewArgs): RenewArgs[] {
  if (leases.length <= MOST_RENEWED && progress.length <= MOST_SAID) return [{ leases, progress }];
  const pieces: RenewArgs[] = [];
  for (let at = 0; at < leases.length; at += MOST_RENEWED) {
    const some = leases.slice(at, at + MOST_RENEWED);
    const fences = new Set(some.map(({ fence }) => fence));
    const said = progress.filter(({ fence }) => fence === undefined || fences.has(fence));
    for (let from = 0; from === 0 || from < said.length; from += MOST_SAID) {
      pieces.push({ leases: some, progress: said.slice(from, from + MOST_SAID) });
    }
  }
  return pieces;
}

async function renewPiece(shard: Shard, args: RenewArgs): Promise<Renewed> {
  const leaseOf = new Map(args.leases.map((lease) => [lease.fence, lease]));
  const ref = (fence: string): LeaseRef => {
    const { taskId = "", shard } = leaseOf.get(fence) ?? {};
    return shard === undefined ? { fence, taskId } : { fence, taskId, shard };
  };
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
      dueAt: decodeDue(due),
      counts: decodeCounts(job[7] ?? ""),
    };
  });
}
