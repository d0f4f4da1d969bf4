/**
 * The verbs on schedules, spread over shards. A schedule lives where its task lives; verbs that
 * name only its id ask the shard where it was seen last, then the others.
 */
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
import { registerIn, settleParcels } from "./schedule-moves.js";
import { pageOfShards } from "./schedule-pages.js";
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
    return await inOrder(
      args.schedules,
      (schedule) => shardOfTask(schedule.taskId, shards.length),
      async (index, schedules) => {
        const answers: RegisterAnswer[] = [];
        for (const piece of piecesOf(schedules)) {
          const call = { registration, schedules: piece };
          answers.push(...(await registerIn(shards, at(shards, index), call)));
        }
        return answers;
      },
    );
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
    const answer = await this.#firstOf(args.scheduleId, async (shard) => {
      const removed = await onShard.removeOnShard(shard, args);
      return removed === "unknown" ? null : removed;
    });
    return answer ?? "unknown";
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
    const first = shardOfTask(this.#believed(scheduleId), shards.length);
    for (const shard of [at(shards, first), ...shards.filter((_, k) => k !== first)]) {
      const answer = await ask(shard);
      if (answer !== null) return answer;
    }
    return null;
  }
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
