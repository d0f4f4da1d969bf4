/** The verbs on schedules, each on one shard. */
import type {
  Decided,
  FireAnswer,
  FireArgs,
  PauseArgs,
  RegisterAnswer,
  RegisterArgs,
  RemoveAnswer,
  RemoveArgs,
  ScheduleDetail,
  SchedulePage,
  SchedulesArgs,
  ScheduleView,
  ScheduleWrite,
  TendArgs,
  Tended,
  TriggerAnswer,
  TriggerArgs,
} from "../contract.js";
import { encodeKeep, pairs, wholeNumber } from "./codec.js";
import {
  backfillId,
  decodeDue,
  decodeLedger,
  decodeOutcome,
  decodeView,
  encodeDecision,
  encodeHeadTemplate,
  encodeInstant,
  encodeOverlap,
  encodeRegistration,
} from "./schedule-codec.js";
import type { Shard } from "./shard.js";

/** What other shards have given. */
export interface Given {
  /** False: what is not here may be in one that was not asked. */
  allAsked: boolean;
  /** Until when it may be taken in, by the clock of the shard that takes it. */
  until: number;
  parcels: readonly { scheduleId: string; wasAlive: boolean; fields: readonly string[] }[];
}

const NOTHING_GIVEN: Given = { allAsked: true, until: 0, parcels: [] };

export async function registerOnShard(
  shard: Shard,
  { registration, schedules }: RegisterArgs,
  { allAsked, until, parcels }: Given = NOTHING_GIVEN,
): Promise<RegisterAnswer[]> {
  const reply = (await shard.run("register", {
    args: [
      ...encodeRegistration(registration),
      allAsked ? "1" : "0",
      String(parcels.length),
      wholeNumber(until),
      ...parcels.flatMap((one) => [one.scheduleId, one.wasAlive ? "1" : "0", ...one.fields]),
      ...schedules.flatMap(encodeWrite),
    ],
  })) as string[][];
  return reply.map(([outcome, generation, revision, nextAt = "", contested, now], k) => ({
    scheduleId: schedules[k]?.scheduleId ?? "",
    outcome: outcome as RegisterAnswer["outcome"],
    generation: Number(generation),
    revision: Number(revision),
    nextAt: nextAt === "" ? null : Number(nextAt),
    contested: contested === "1",
    now: Number(now),
  }));
}

/** As many bytes as a definition with its data takes on its way. */
export function sizeOfWrite(schedule: ScheduleWrite): number {
  return schedule.definition.length + schedule.payload.length;
}

function encodeWrite(schedule: ScheduleWrite): string[] {
  return [
    schedule.scheduleId,
    schedule.taskId,
    schedule.definition,
    schedule.digest,
    encodeHeadTemplate(schedule),
    schedule.payload,
    encodeOverlap(schedule.overlap),
    schedule.local ? "1" : "0",
    wholeNumber(schedule.jitterMs),
    encodeInstant(schedule.firstAt),
    encodeInstant(schedule.decidedAt),
    encodeInstant(schedule.generation),
  ];
}

export async function fireOnShard(shard: Shard, args: FireArgs): Promise<FireAnswer[]> {
  const fires = args.fires.flatMap((fire) => [
    fire.scheduleId,
    String(fire.revision),
    encodeInstant(fire.seenAt),
    encodeInstant(fire.nextAt),
    String(fire.decisions.length),
    ...fire.decisions.map(encodeDecision),
  ]);
  const call = [...encodeKeep(args.keep), ...fires];
  const reply = (await shard.runOnTask("fire", args.taskId, call)) as string[];
  return reply.map((text) => {
    if (text === "") return null;
    const outcomes = text === "!" ? [] : text.slice(1).split(";");
    const job = { shard: shard.index, ownId: null };
    return { outcomes: outcomes.map((outcome) => decodeOutcome(outcome, job)) };
  });
}

export async function triggerOnShard(
  shard: Shard,
  args: TriggerArgs & { believed: string },
): Promise<TriggerAnswer | null> {
  const { scheduleId, instants } = args;
  if (instants?.length === 0) {
    const detail = await scheduleOnShard(shard, scheduleId);
    return detail && { taskId: detail.taskId, outcomes: [] };
  }
  const call = [
    scheduleId,
    args.overlap === null ? "" : encodeOverlap(args.overlap),
    ...encodeKeep(args.keep),
    ...(instants ?? []).map(String),
  ];
  // Asked again when the caller believed in another task: its keys have to be named.
  let answer = [args.believed];
  for (let asked = ""; answer.length === 1 && asked !== answer[0]; ) {
    asked = answer[0] ?? "";
    answer = (await shard.runOnTask("trigger", asked, call)) as string[];
  }
  const [taskId, ...flat] = answer;
  if (taskId === undefined) return null;
  const outcomes: TriggerAnswer["outcomes"] = [];
  for (let k = 0; k + 1 < flat.length; k += 2) {
    const at = flat[k] ?? "";
    const ownId = instants === null ? null : backfillId(scheduleId, at);
    const outcome = decodeOutcome(flat[k + 1] ?? "", { shard: shard.index, ownId });
    outcomes.push({ scheduledFor: Number(at), outcome });
  }
  return { taskId, outcomes };
}

export async function pauseOnShard(
  shard: Shard,
  args: PauseArgs,
): Promise<{ taskId: string; revision: number } | null> {
  const { scheduleId, pause, revision } = args;
  const call = [
    scheduleId,
    encodeInstant(revision),
    pause === null ? "resume" : "pause",
    encodeInstant(pause?.until ?? null),
    pause?.orphaned === true ? "1" : "0",
    pause?.reason ?? "",
  ];
  const [taskId, answer] = (await shard.run("pause", { args: call })) as string[];
  return taskId === undefined ? null : { taskId, revision: Number(answer) };
}

export async function removeOnShard(shard: Shard, args: RemoveArgs): Promise<RemoveAnswer> {
  const call = [args.scheduleId, encodeInstant(args.revision)];
  return String(await shard.run("remove", { args: call })) as RemoveAnswer;
}

export async function scheduleOnShard(
  shard: Shard,
  scheduleId: string,
): Promise<ScheduleDetail | null> {
  const [now, ...entry] = (await shard.run("schedule", { args: [scheduleId] })) as string[];
  if (now === undefined) return null;
  const view = decodeView(shard.index, entry);
  const [fired = "", passed = ""] = entry.slice(9);
  const ledger = decodeLedger({ shard: shard.index, scheduleId }, fired, passed);
  return { ...view, ledger, now: Number(now) };
}

/**
 * What is known there of a schedule that another shard has given; "": nothing. "wait": a newer
 * parcel is there, or it has left lately.
 */
export async function fateOnShard(
  shard: Shard,
  parcel: Parcel,
): Promise<"here" | "gone" | "wait" | ""> {
  const args = ["ask", parcel.scheduleId, parcel.since, newerThere(shard, parcel)];
  const fate = await shard.run("gone", { args });
  return String(fate) as "here" | "gone" | "wait" | "";
}

/** Those of them that are alive there, too, and newer. */
export async function twinsOnShard(shard: Shard, kept: readonly Kept[]): Promise<string[]> {
  const args = kept.flatMap((one) => [one.scheduleId, newerThere(shard, one)]);
  return (await shard.run("gone", { args: ["twins", ...args] })) as string[];
}

/** From which revision on it is newer there. Of two that are equal one has to be. */
function newerThere(shard: Shard, { shard: own, revision }: Kept): string {
  return String(shard.index > own.index ? revision : revision + 1);
}

/** A parcel of it that is from before it was removed is forgotten there. */
export async function dropGone(shard: Shard, scheduleId: string, goneAt: number): Promise<void> {
  await shard.run("gone", { args: ["drop", scheduleId, String(goneAt)] });
}

/** Whoever has a parcel of it is told, when it is back, that it was removed. */
export async function noteGone(shard: Shard, scheduleId: string): Promise<void> {
  await shard.run("gone", { args: ["note", scheduleId] });
}

/** `place`: as the script gives it; "" at the beginning and at the end. */
/** A page by several scripts, each of which reads a piece, so that it stays short. */
const MOST_PIECES = 20;
const MOST_PAGE_BYTES = 4 * 1024 * 1024;

export async function schedulesOnShard(
  shard: Shard,
  args: Pick<SchedulesArgs, "taskId" | "limit"> & { place: string },
): Promise<Omit<SchedulePage, "cursor"> & { place: string }> {
  const schedules: ScheduleView[] = [];
  let { place } = args;
  let now = 0;
  let bytes = 0;
  for (let pieces = 0; pieces < MOST_PIECES; pieces += 1) {
    const call = [place, String(args.limit - schedules.length), args.taskId ?? ""];
    const reply = (await shard.run("schedules", { args: call })) as [string, string, ...string[][]];
    const [time, next, ...views] = reply;
    for (const view of views) {
      bytes += view.reduce((sum, text) => sum + text.length, 0);
      schedules.push(decodeView(shard.index, view));
    }
    [place, now] = [next, Number(time)];
    if (place === "" || schedules.length >= args.limit || bytes >= MOST_PAGE_BYTES) break;
  }
  return { schedules, place, now };
}

export async function tendOnShard(shard: Shard, args: TendArgs): Promise<TendedShard> {
  const call = [args.urgent ? "1" : "0"];
  const reply = (await shard.run("tend", { args: call })) as TendReply;
  const [now, more, parcels, compared, ...doubtful] = reply;
  return {
    doubtful: doubtful.map(decodeDue),
    more: more === "1",
    now: Number(now),
    parcels: parcels.map(([scheduleId, givenAt, since, revision]) => ({
      ...{ shard, scheduleId, givenAt, askedSince: now, since },
      revision: Number(revision),
    })),
    compared: pairs(compared).map(([scheduleId, revision]) => ({
      ...{ shard, scheduleId },
      revision: Number(revision),
    })),
  };
}

type TendReply = [string, string, [string, string, string, string][], string[], ...string[][]];

/** A schedule as it is in a shard. */
export interface Kept {
  shard: Shard;
  scheduleId: string;
  /** Of two the one of the higher revision is newer. */
  revision: number;
}

/** One that was given and is not known to have arrived. `shard`: which has given it. */
export interface Parcel extends Kept {
  /** The last time. */
  givenAt: string;
  /** Whoever asks the others for it asks them after this, by the clock of its shard. */
  askedSince: string;
  /** When it was given first: so old is what it says. */
  since: string;
}

export interface TendedShard extends Tended {
  parcels: Parcel[];
  /** The piece of all schedules that was looked at. */
  compared: Kept[];
}

export async function recoverOnShard(shard: Shard, decided: readonly Decided[]): Promise<string[]> {
  const args = decided.flatMap((each) => [
    each.scheduleId,
    String(each.decidedAt),
    encodeInstant(each.nextAt),
    each.digest,
  ]);
  return (await shard.run("recover", { args })) as string[];
}
