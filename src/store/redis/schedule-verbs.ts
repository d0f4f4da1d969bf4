/**
 * The verbs on schedules, spread over shards. A schedule lives where its task lives; verbs that
 * name only its id ask the shard where it was seen last, then the others.
 */
import { isAway, SchedulerError } from "../../core/errors.js";
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
  ScheduleWrite,
  TendArgs,
  Tended,
  TriggerAnswer,
  TriggerArgs,
} from "../contract.js";
import { registerIn } from "./schedule-moves.js";
import { pageOfShards } from "./schedule-pages.js";
import { partTwins, settleParcels } from "./schedule-parcels.js";
import * as onShard from "./schedules.js";
import type { Shard } from "./shard.js";
import { at, inOrder, ofThoseThere, shardOfTask } from "./shards.js";

/** A script takes at most this much, so that it stays short. */
const MOST_WRITES = 50;
const MOST_BYTES = 4 * 1024 * 1024;
const MOST_DECIDED = 100;

export class ScheduleVerbs {
  readonly #shards: () => Promise<readonly Shard[]>;
  /** Where a schedule was seen last. */
  readonly #taskOf = new Map<string, string>();

  constructor(shards: () => Promise<readonly Shard[]>) {
    this.#shards = shards;
  }

  /** Where it was seen last; null: never. */
  shardOf(scheduleId: string, shards: number): number | null {
    const taskId = this.#taskOf.get(scheduleId);
    return taskId === undefined ? null : shardOfTask(taskId, shards);
  }

  /** They were seen in their tasks. */
  note(seen: readonly { scheduleId: string; taskId: string }[]): void {
    for (const { scheduleId, taskId } of seen) this.#taskOf.set(scheduleId, taskId);
  }

  async register(args: RegisterArgs): Promise<RegisterAnswer[]> {
    const { registration } = args;
    const shards = await this.#shards();
    this.note(args.schedules);
    const failures: unknown[] = [];
    const answers = await inOrder(
      args.schedules,
      (schedule) => shardOfTask(schedule.taskId, shards.length),
      async (index, schedules) => {
        const parts: RegisterAnswer[] = [];
        for (const piece of piecesOf(schedules)) {
          const call = { registration, schedules: piece };
          const part = registerIn(shards, at(shards, index), call).catch((error: unknown) => {
            if (!isAway(error)) throw error;
            failures.push(error);
            return piece.map(awayAnswer);
          });
          parts.push(...(await part));
        }
        return parts;
      },
    );
    const [failure] = failures;
    if (failure !== undefined && answers.every(({ outcome }) => outcome === "away")) throw failure;
    return answers;
  }

  async fire(args: FireArgs): Promise<FireAnswer[]> {
    const shards = await this.#shards();
    for (const { scheduleId } of args.fires) this.#taskOf.set(scheduleId, args.taskId);
    const shard = at(shards, shardOfTask(args.taskId, shards.length));
    return await onShard.fireOnShard(shard, args);
  }

  async trigger(args: TriggerArgs): Promise<TriggerAnswer | null> {
    const believed = this.#believed(args.scheduleId);
    const answer = await this.#firstOf(args.scheduleId, (shard) =>
      onShard.triggerOnShard(shard, { ...args, believed }),
    );
    if (answer !== null) this.#taskOf.set(args.scheduleId, answer.taskId);
    return answer;
  }

  async pause(args: PauseArgs): Promise<{ revision: number } | null> {
    const answer = await this.#firstOf(args.scheduleId, (shard) =>
      onShard.pauseOnShard(shard, args),
    );
    if (answer === null) return null;
    this.#taskOf.set(args.scheduleId, answer.taskId);
    return { revision: answer.revision };
  }

  async remove(args: RemoveArgs): Promise<RemoveAnswer> {
    const asked = new Set<Shard>();
    const remove = async (shard: Shard): Promise<RemoveAnswer | null> => {
      const removed = await onShard.removeOnShard(shard, args);
      asked.add(shard);
      return removed === "unknown" ? null : removed;
    };
    const answer = await this.#firstOf(args.scheduleId, remove);
    if (answer !== "removed" || args.revision !== null) return answer ?? "unknown";
    // That may have been a parcel, or there is one elsewhere: it would come back.
    const shards = await this.#shards();
    const others = shards.filter((shard) => !asked.has(shard) && shard.isThere);
    const more = await Promise.allSettled(others.map(remove));
    const refused = more.find((one) => one.status === "fulfilled" && one.value === "live");
    if (refused !== undefined) return "live";
    if (asked.size < shards.length) await this.#noteGone([...asked], args.scheduleId);
    return answer;
  }

  /** By one of them is enough: whoever finds a parcel asks all. */
  async #noteGone(asked: readonly Shard[], scheduleId: string): Promise<void> {
    const noted = await Promise.allSettled(
      asked.map((shard) => onShard.noteGone(shard, scheduleId)),
    );
    if (noted.some(({ status }) => status === "fulfilled")) return;
    const message =
      `schedule "${scheduleId}" was removed where it was, but nobody could note that for a shard ` +
      "that is away, which may bring it back";
    const fix = "remove it once more when that shard is back: see health().reasons";
    const cause = noted.find((one) => one.status === "rejected")?.reason;
    throw new SchedulerError("STORE_NO_ANSWER", message, { fix, value: scheduleId, cause });
  }

  async schedule({ scheduleId }: { scheduleId: string }): Promise<ScheduleDetail | null> {
    const detail = await this.#firstOf(scheduleId, (shard) =>
      onShard.scheduleOnShard(shard, scheduleId),
    );
    if (detail !== null) this.#taskOf.set(scheduleId, detail.taskId);
    return detail;
  }

  async schedules(args: SchedulesArgs): Promise<SchedulePage> {
    const shards = await this.#shards();
    const { taskId } = args;
    const only = taskId === null ? shards : [at(shards, shardOfTask(taskId, shards.length))];
    return await pageOfShards(only, args);
  }

  async tend(args: TendArgs): Promise<Tended> {
    const shards = await this.#shards();
    const parts = await ofThoseThere(shards, (shard) => onShard.tendOnShard(shard, args));
    await settleParcels(
      shards,
      parts.flatMap(({ parcels }) => parcels),
    );
    const compared = parts.flatMap((part) => part.compared);
    if (shards.length > 1) await partTwins(shards, compared);
    return {
      doubtful: parts.flatMap((part) => part.doubtful),
      more: parts.some((part) => part.more),
      now: Math.max(...parts.map((part) => part.now)),
    };
  }

  async recover(args: { decided: readonly Decided[] }): Promise<string[]> {
    const shards = await this.#shards();
    const unknown: string[] = [];
    await inOrder(
      args.decided,
      ({ taskId }) => shardOfTask(taskId, shards.length),
      async (index, decided) => {
        for (let from = 0; from < decided.length; from += MOST_DECIDED) {
          const piece = decided.slice(from, from + MOST_DECIDED);
          unknown.push(...(await onShard.recoverOnShard(at(shards, index), piece)));
        }
        return [];
      },
    );
    return unknown;
  }

  /** A schedule's id is its task's name, unless somebody said otherwise. */
  #believed(scheduleId: string): string {
    return this.#taskOf.get(scheduleId) ?? scheduleId;
  }

  /** The first answer that is one. */
  async #firstOf<Answer>(
    scheduleId: string,
    ask: (shard: Shard) => Promise<Answer | null>,
  ): Promise<Answer | null> {
    const shards = await this.#shards();
    const first = at(shards, shardOfTask(this.#believed(scheduleId), shards.length));
    const inTurn = [first, ...shards.filter((shard) => shard !== first)];
    let failure: { error: unknown } | null = null;
    const heard = async (shard: Shard): Promise<Answer | null> =>
      await ask(shard).catch((error: unknown) => {
        if (!isAway(error)) throw error;
        failure ??= { error };
        return null;
      });
    const away: Shard[] = [];
    for (const shard of inTurn) {
      // Seen when it is its turn: the one before may have found out that both are away.
      if (!shard.isThere) away.push(shard);
      else {
        const answer = await heard(shard);
        if (answer !== null) return answer;
      }
    }
    const answers = await Promise.all(away.map(heard));
    const answer = answers.find((one) => one !== null) ?? null;
    // It may be where nobody answers.
    if (answer === null && failure !== null) throw (failure as { error: unknown }).error;
    return answer;
  }
}

function awayAnswer({ scheduleId }: ScheduleWrite): RegisterAnswer {
  const nothing = { generation: 0, revision: 0, nextAt: null, contested: false, now: 0 };
  return { scheduleId, outcome: "away", ...nothing };
}

function piecesOf(schedules: readonly ScheduleWrite[]): ScheduleWrite[][] {
  const pieces: ScheduleWrite[][] = [[]];
  let bytes = 0;
  for (const schedule of schedules) {
    const size = onShard.sizeOfWrite(schedule);
    let piece = pieces.at(-1) ?? [];
    if (piece.length >= MOST_WRITES || (piece.length > 0 && bytes + size > MOST_BYTES)) {
      piece = [];
      pieces.push(piece);
      bytes = 0;
    }
    piece.push(schedule);
    bytes += size;
  }
  return pieces;
}
