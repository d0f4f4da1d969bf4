/**
 * Over how many shards each task is spread, and so where its jobs are.
 *  1. the home of a task decides (script `spread`): the first wish is fixed for ever
 *  2. whoever does not know of it asks its home, or learns it when that refuses a push
 *  3. what was learnt stays true until the data are lost
 *  4. all other shards note it: a failover may make the home forget what was fixed last
 */
import { type Clock, sleep } from "../../clock.js";
import { placeOfId, shardOfTask, shardsOfTask } from "../../core/shard.js";
import type { SpreadAnswer, Spreads, SpreadWish } from "../contract.js";
import type { Knowledge, Spread } from "./session.js";
import { type Shard, TaskTable } from "./shard.js";
import { at, inOrder } from "./shards.js";

/** A script is asked for so many. */
const MOST_TASKS = 50;

/** So long others are waited for that note what was fixed. */
const NOTED_WITHIN_MS = 250;

export interface SpreadParts {
  shards: () => Promise<readonly Shard[]>;
  /** Resolves when it is known how tasks are spread from a shard; rejects while it is not. */
  surely: (shard: number) => Promise<void>;
  /** A task is known to live in several shards. */
  onSpread: (taskId: string) => void;
  clock: Clock;
}

export class SpreadTasks implements Spreads, Knowledge {
  readonly #parts: SpreadParts;
  readonly #over = new Map<string, number>();
  /** All shards of tasks that have several. */
  readonly #places = new Map<string, readonly number[]>();
  /** Another number is in force than was known; told once. */
  readonly #before = new Map<string, number>();
  /** What each shard said last about how many tasks are spread from there. */
  readonly #told = new Map<number, string>();

  constructor(parts: SpreadParts) {
    this.#parts = parts;
  }

  /** As far as it is known here. */
  of(home: number, shards: number): Spread {
    return [...this.#over].filter(
      ([taskId, over]) => over > 1 && shardOfTask(taskId, shards) === home,
    );
  }

  isTold(spread: Spread, shards: number): void {
    for (const [taskId, over] of spread) this.learn(taskId, over, shards);
  }

  over(taskId: string): number {
    return this.#places.get(taskId)?.length ?? 1;
  }

  /** True: whoever takes a job of it to its home does not have to ask whether that is right. */
  isSure(taskId: string): boolean {
    return this.#places.has(taskId);
  }

  /** Its home first, as far as is known. */
  placesOf(taskId: string, shards: number): readonly number[] {
    return this.#places.get(taskId) ?? [shardOfTask(taskId, shards)];
  }

  /**
   * `wish`: where a job without an id of its caller's goes, if its task lives there; while that is
   * away it goes to one that is not.
   */
  shardOfJob(
    job: { taskId: string; id: string | null },
    shards: readonly Shard[],
    wish?: number,
  ): number {
    const places = this.#places.get(job.taskId);
    if (places === undefined) return shardOfTask(job.taskId, shards.length);
    if (job.id !== null) return at(places, placeOfId(job.id, places.length));
    const wished = wish !== undefined && places.includes(wish) ? wish : at(places, 0);
    if (at(shards, wished).isThere) return wished;
    return places.find((place) => at(shards, place).isThere) ?? wished;
  }

  /** Does not wait for a home that is away. */
  async fix(wishes: readonly SpreadWish[]): Promise<SpreadAnswer[]> {
    const answers = await this.#fix(wishes, { patient: false });
    return answers.map((answer) => {
      const before = this.#before.get(answer.taskId);
      this.#before.delete(answer.taskId);
      return before === undefined ? answer : { ...answer, outcome: "other", before };
    });
  }

  async #fix(
    wishes: readonly SpreadWish[],
    { patient }: { patient: boolean },
  ): Promise<SpreadAnswer[]> {
    const shards = await this.#parts.shards();
    if (shards.length === 1) {
      return wishes.map(({ taskId }) => ({ taskId, over: 1, outcome: "agreed" }));
    }
    return await inOrder(
      wishes,
      ({ taskId }) => shardOfTask(taskId, shards.length),
      async (index, some) => {
        const home = at(shards, index);
        if (!patient && !home.isThere) throw home.unreachable();
        // Another number may have been fixed, and lost.
        if (some.some(({ over }) => over !== null)) await this.#parts.surely(index);
        const answers = await this.#fixIn(home, some, shards.length);
        if (!patient) await this.#note(home, answers, shards);
        return answers;
      },
    );
  }

  /** Asks the home of the task, unless that is known. */
  async ask(taskId: string): Promise<void> {
    if (!this.#over.has(taskId)) await this.#fix([{ taskId, over: null }], { patient: true });
  }

  learn(taskId: string, over: number, shards: number): void {
    const before = this.#over.get(taskId) ?? over;
    if (before === over && this.#over.has(taskId)) return;
    if (before !== over && before > 1) this.#before.set(taskId, before);
    this.#over.set(taskId, over);
    if (over === 1) this.#places.delete(taskId);
    else {
      this.#places.set(taskId, shardsOfTask(taskId, { shards, over }));
      this.#parts.onSpread(taskId);
    }
  }

  /** A look has told how many tasks are spread from a shard: if that is news, asks about these. */
  async heard(shard: number, spreads: string, taskIds: readonly string[]): Promise<void> {
    if ((this.#told.get(shard) ?? "0") === spreads) return;
    const { length } = await this.#parts.shards();
    const here = taskIds.filter((id) => shardOfTask(id, length) === shard);
    const wishes = here.map((taskId) => ({ taskId, over: null }));
    await this.#fix(wishes, { patient: false });
    this.#told.set(shard, spreads);
  }

  /** The data are lost. */
  forget(): void {
    this.#over.clear();
    this.#places.clear();
    this.#before.clear();
    this.#told.clear();
  }

  /** Those that are away are told when they are back: then all is fixed once more. */
  async #note(
    home: Shard,
    answers: readonly SpreadAnswer[],
    shards: readonly Shard[],
  ): Promise<void> {
    const spread = answers.filter(({ over }) => over > 1);
    if (spread.length === 0) return;
    const news = spread.flatMap(({ taskId, over }) => [taskId, String(over)]);
    const others = shards.filter((shard) => shard !== home && shard.isThere);
    const call = { args: [String(home.index), ...news] };
    const noted = Promise.allSettled(others.map((shard) => shard.run("spreads", call)));
    await Promise.race([noted, sleep(this.#parts.clock, NOTED_WITHIN_MS)]);
  }

  async #fixIn(
    shard: Shard,
    wishes: readonly SpreadWish[],
    shards: number,
  ): Promise<SpreadAnswer[]> {
    const answers: SpreadAnswer[] = [];
    for (let from = 0; from < wishes.length; from += MOST_TASKS) {
      const some = wishes.slice(from, from + MOST_TASKS);
      const tasks = new TaskTable();
      for (const { taskId } of some) tasks.indexOf(taskId);
      const wanted = some.map(({ over }) => (over === null ? "" : String(over)));
      const args = [...tasks.args(), ...wanted];
      const reply = await shard.run("spread", { taskKeys: tasks.keys(shard), args });
      some.forEach((wish, k) => {
        const answer = answerOf(wish, String(reply[k]));
        if (answer.isFixed) this.learn(wish.taskId, answer.over, shards);
        answers.push({ taskId: wish.taskId, over: answer.over, outcome: answer.outcome });
      });
    }
    return answers;
  }
}

function answerOf(
  { over }: SpreadWish,
  said: string,
): Pick<SpreadAnswer, "over" | "outcome"> & { isFixed: boolean } {
  if (said === "" || said === "used") {
    return { over: 1, outcome: said === "" ? "agreed" : "used", isFixed: false };
  }
  const outcome = over === null || over === Number(said) ? "agreed" : "other";
  return { over: Number(said), outcome, isFixed: true };
}
