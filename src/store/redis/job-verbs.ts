/**
 * The verbs on jobs for people, on tasks that live in one shard or in several: one job is asked for
 * where its id says that it is, lists and counts are put together.
 */
import { ofNoPage } from "../../core/errors.js";
import type {
  CancelAnswer,
  JobPage,
  JobRef,
  JobView,
  ListArgs,
  MendArgs,
  Mended,
  MendKind,
  PruneArgs,
  RedriveAnswer,
  TaskCounts,
} from "../contract.js";
import * as onShard from "./jobs.js";
import { mendOnShard } from "./mend.js";
import type { Shard } from "./shard.js";
import { at, ofThoseThere } from "./shards.js";
import type { SpreadTasks } from "./spreads.js";

export class JobVerbs {
  readonly #shards: () => Promise<readonly Shard[]>;
  readonly #spreads: SpreadTasks;

  constructor(shards: () => Promise<readonly Shard[]>, spreads: SpreadTasks) {
    this.#shards = shards;
    this.#spreads = spreads;
  }

  async get(ref: JobRef): Promise<JobView | null> {
    return await this.#firstOf(ref, (shard) => onShard.getFromShard(shard, ref));
  }

  async cancel(ref: JobRef): Promise<CancelAnswer | null> {
    return await this.#firstOf(ref, (shard) => onShard.cancelOnShard(shard, ref));
  }

  async redrive(ref: JobRef): Promise<RedriveAnswer | null> {
    return await this.#firstOf(ref, (shard) => onShard.redriveOnShard(shard, ref));
  }

  /** Each page is in its order; from page to page each shard keeps it for itself. */
  async list(args: ListArgs): Promise<JobPage> {
    const shards = await this.#shardsOf(args.taskId);
    if (shards.length === 1) return await onShard.listOnShard(at(shards, 0), args);
    const places = placesIn(args.cursor, shards.length);
    const jobs: JobView[] = [];
    for (;;) {
      const open = places.flatMap((place, k) => (place === DONE ? [] : [k]));
      const left = args.limit - jobs.length;
      if (open.length === 0 || left <= 0) break;
      const some = open.slice(0, left);
      const limit = Math.floor(left / some.length);
      const pages = await Promise.all(
        some.map((k) => {
          const cursor = places[k] === BEGIN ? null : (places[k] ?? null);
          return onShard.listOnShard(at(shards, k), { ...args, limit, cursor });
        }),
      );
      pages.forEach((page, n) => {
        jobs.push(...page.jobs);
        places[some[n] as number] = page.cursor ?? DONE;
      });
    }
    const isOver = places.every((place) => place === DONE);
    return { jobs: jobs.sort(orderOf(args.state)), cursor: isOver ? null : JSON.stringify(places) };
  }

  async counts({ taskId }: { taskId: string }): Promise<TaskCounts> {
    const shards = await this.#shardsOf(taskId);
    const parts = await Promise.all(shards.map((shard) => onShard.countsOnShard(shard, taskId)));
    return parts.reduce((sum, part) => ({
      ...added(sum, part),
      total: added(sum.total, part.total),
    }));
  }

  /** In those shards that are there. */
  async prune({ taskIds, keep }: PruneArgs): Promise<boolean> {
    const shards = await this.#shards();
    const byShard = new Map<number, string[]>();
    for (const taskId of taskIds) {
      for (const index of this.#spreads.placesOf(taskId, shards.length)) {
        byShard.set(index, [...(byShard.get(index) ?? []), taskId]);
      }
    }
    const answers = await ofThoseThere([...byShard], ([index, tasks]) =>
      onShard.pruneOnShard(at(shards, index), tasks, keep),
    );
    return answers.includes(true);
  }

  /** The shards of a task have their turn one after the other: `<which>@<place in it>`. */
  async mend({ next = [], ...args }: MendArgs): Promise<Mended> {
    const shards = await this.#shardsOf(args.taskId);
    if (shards.length === 1) {
      const shard = at(shards, 0);
      const there = this.#firstIn(shard, next, (await this.#shards()).length);
      return await mendOnShard(shard, { ...args, next: there });
    }
    const [, which = "0", within = ""] = /^(\d+)@(.*)$/s.exec(args.place) ?? [];
    let k = Number(which);
    let { place, mended } = await mendOnShard(at(shards, k), { ...args, place: within });
    if (place === "" && k + 1 < shards.length) {
      k += 1;
      // Not urgent, the fleet does one piece in each of them in its time.
      if (args.urgent) return { seen: 0, place: `${k}@`, mended };
      for (; k < shards.length; k += 1) {
        const more = await mendOnShard(at(shards, k), { ...args, place: "" });
        mended = addedMends(mended, more.mended);
      }
    }
    return { seen: 0, place: place === "" ? "" : `${k}@${place}`, mended };
  }

  /** The first of these tasks, up to one that is not known to be in this shard only. */
  #firstIn(shard: Shard, taskIds: readonly string[], shards: number): readonly string[] {
    const end = taskIds.findIndex((taskId) => {
      const places = this.#spreads.placesOf(taskId, shards);
      const isSure = shards === 1 || this.#spreads.isSure(taskId);
      return !isSure || places.length > 1 || places[0] !== shard.index;
    });
    return end < 0 ? taskIds : taskIds.slice(0, end);
  }

  async #shardsOf(taskId: string): Promise<Shard[]> {
    const shards = await this.#shards();
    if (shards.length > 1) await this.#spreads.ask(taskId);
    return this.#spreads.placesOf(taskId, shards.length).map((index) => at(shards, index));
  }

  /**
   * Where its id says that it is; else in the home, as while nobody knew that the task is spread.
   */
  async #firstOf<Answer>(
    ref: JobRef,
    ask: (shard: Shard) => Promise<Answer | null>,
  ): Promise<Answer | null> {
    const own = await this.#shardsOf(ref.taskId);
    const shard = await this.#shardOf(ref, own);
    const home = at(own, 0);
    const answer = await ask(shard);
    const mayBeHome = shard !== home && !ASSIGNED.test(ref.id);
    return answer === null && mayBeHome ? await ask(home) : answer;
  }

  /** An assigned id begins with its shard. */
  async #shardOf({ taskId, id }: JobRef, own: readonly Shard[]): Promise<Shard> {
    const assigned = ASSIGNED.exec(id);
    if (assigned !== null) {
      const there = own.find(({ index }) => index === Number(assigned[1]));
      return there ?? at(own, 0);
    }
    const shards = await this.#shards();
    return at(shards, this.#spreads.shardOfJob({ taskId, id }, shards));
  }
}

/** An id that a shard has given, which is nowhere else: the shard, the number. */
const ASSIGNED = /^(\d+)-\d{16}$/;

/** Where a page of a shard begins. */
const BEGIN = "-";
const DONE = "";

/** One for each shard, in JSON. */
function placesIn(cursor: string | null, shards: number): string[] {
  if (cursor === null) return Array.from({ length: shards }, () => BEGIN);
  let places: unknown;
  try {
    places = JSON.parse(cursor);
  } catch {
    throw ofNoPage(cursor);
  }
  const isText = (place: unknown): place is string => typeof place === "string";
  if (Array.isArray(places) && places.length === shards && places.every(isText)) return places;
  throw ofNoPage(cursor);
}

function orderOf(state: ListArgs["state"]): (a: JobView, b: JobView) => number {
  const byNumber = (a: JobView, b: JobView): number => Number(a.number) - Number(b.number);
  if (state === "ready") return (a, b) => a.rules.priority - b.rules.priority || byNumber(a, b);
  if (state === "scheduled") return (a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0) || byNumber(a, b);
  if (state === "running") return byNumber;
  return (a, b) => (b.endedAt ?? 0) - (a.endedAt ?? 0) || byNumber(b, a);
}

function added<Counts extends object>(a: Counts, b: Counts): Counts {
  const of = b as Record<string, number>;
  const sums = Object.entries(a).map(([name, n]) => [name, Number(n) + (of[name] ?? 0)]);
  return Object.fromEntries(sums) as Counts;
}

function addedMends(a: Mended["mended"], b: Mended["mended"]): Mended["mended"] {
  const sum = { ...a };
  for (const [kind, n] of Object.entries(b) as [MendKind, number][]) {
    sum[kind] = (sum[kind] ?? 0) + n;
  }
  return sum;
}
