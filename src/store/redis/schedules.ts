/** register and fire: definitions, cursors and the jobs that occurrences become, of one shard. */
import type { FireArgs, PushAnswer, RegisterAnswer, RegisterArgs } from "../contract.js";
import { decodeSaved, encodeNewJob, encodeRecord } from "./codec.js";
import type { Shard } from "./shard.js";

export interface StoredSchedule {
  revision: number;
  lastFiredAt: number;
  taskId: string;
  definition: string;
}

/**
 * `revision lastFiredAt taskLength task definition`; the length counts bytes of UTF-8, as Lua does.
 */
export function decodeSchedule(text: string): StoredSchedule {
  const match = /^(\d+) (\d+) (\d+) /.exec(text);
  const [head = "", revision, lastFiredAt, length] = match ?? [];
  const rest = Buffer.from(text.slice(head.length));
  return {
    revision: Number(revision),
    lastFiredAt: Number(lastFiredAt),
    taskId: rest.subarray(0, Number(length)).toString(),
    definition: rest.subarray(Number(length)).toString(),
  };
}

export async function registerOnShard(shard: Shard, args: RegisterArgs): Promise<RegisterAnswer[]> {
  const reply = (await shard.run("register", {
    args: args.schedules.flatMap((schedule) => [
      schedule.scheduleId,
      schedule.taskId,
      schedule.definition,
      schedule.firstAt === null ? "" : String(schedule.firstAt),
    ]),
  })) as [RegisterAnswer["outcome"], string, string][];
  return reply.map(([outcome, revision, cursor], k) => ({
    scheduleId: args.schedules[k]?.scheduleId ?? "",
    outcome,
    revision: Number(revision),
    nextAt: cursor === "" ? null : Number(cursor),
  }));
}

export async function fireOnShard(shard: Shard, args: FireArgs): Promise<PushAnswer[] | null> {
  const instants = args.jobs.map((job) => job.occurrence?.scheduledFor ?? args.seenAt);
  const [fired, ...answers] = (await shard.runOnTask("fire", args.taskId, [
    args.scheduleId,
    String(args.revision),
    String(args.seenAt),
    args.nextAt === null ? "" : String(args.nextAt),
    String(Math.max(args.seenAt, ...instants)),
    ...args.jobs.flatMap((job) => encodeNewJob(job, encodeRecord(job))),
  ])) as string[];
  if (fired !== "1") return null;
  return args.jobs.map((job, k) => decodeSaved(shard.index, job, answers[k] ?? ""));
}
