/** push: one turn's new jobs of a shard as one numbered call. */
import { isNotDone } from "../../core/errors.js";
import type { NewJob, PushAnswer } from "../contract.js";
import { answersOf, type Chunk, chunksOf, encodeChunk } from "./push-chunks.js";
import { noAnswer } from "./replies.js";
import type { Shard, TaskTable } from "./shard.js";
import { at, inOrder } from "./shards.js";
import type { SpreadTasks } from "./spreads.js";

/** What a push to a store of several shards needs to know. */
export interface Routes {
  shards: readonly Shard[];
  spreads: SpreadTasks;
  /** Where jobs go that may go to any shard of their task. */
  wish?: number | undefined;
  /** What is left of the time of the push, ms. */
  leftMs: () => number;
  /** Called as soon as a shard has answered. */
  answered?: ((shard: number) => void) | undefined;
  /** Only for tests: how many jobs become a bundle. */
  leastBundled?: number | undefined;
}

interface ChunkCall extends Pick<Routes, "answered" | "leastBundled"> {
  timeoutMs: number;
  routes?: Routes;
}

/** Saves jobs of one shard; the answers stand in the order of the jobs. `routes`: of several. */
export async function pushToShard(
  shard: Shard,
  args: { jobs: readonly NewJob[] } & ChunkCall,
): Promise<PushAnswer[]> {
  const calls = chunksOf(args.jobs, args.leastBundled).map((chunk) =>
    pushChunk(shard, chunk, args),
  );
  if (calls.length === 1) return await calls[0]!;
  const parts = new Parts("several calls");
  const answers = await Promise.all(calls.map((call) => parts.ended(call)));
  parts.conclude();
  return answers.flat();
}

/** Of several shards: mostly one, unless its caller did not know yet where its jobs go. */
export async function pushOverShards(
  jobs: readonly NewJob[],
  routes: Routes,
): Promise<PushAnswer[]> {
  const { shards, spreads, wish, leftMs, answered, leastBundled } = routes;
  const parts = new Parts("several shards");
  const answers = await inOrder<NewJob, PushAnswer | undefined>(
    jobs,
    (job) => spreads.shardOfJob(job, shards, wish),
    (index, items) => {
      const call = { jobs: items, timeoutMs: leftMs(), routes, answered, leastBundled };
      return parts.ended(pushToShard(at(shards, index), call));
    },
  );
  parts.conclude();
  return answers as PushAnswer[];
}

/**
 * The calls that one push becomes. If one of them fails, the others may have stored their jobs:
 * unless nothing is known to have been done, what became of them all cannot be said in one word.
 */
class Parts {
  readonly #what: string;
  #calls = 0;
  #isStored = false;
  readonly #failures: unknown[] = [];

  constructor(what: string) {
    this.#what = what;
  }

  /** Resolves when the call has ended; to nothing if it failed. */
  async ended(call: Promise<PushAnswer[]>): Promise<PushAnswer[]> {
    this.#calls += 1;
    try {
      const answers = await call;
      this.#isStored = true;
      return answers;
    } catch (error) {
      this.#failures.push(error);
      return [];
    }
  }

  /** Throws if one of them failed. */
  conclude(): void {
    const [first] = this.#failures;
    if (this.#failures.length === 0) return;
    const isOne = this.#calls === 1;
    if (isOne || (!this.#isStored && this.#failures.every(isNotDone))) throw first;
    throw noAnswer("push", this.#what, first);
  }
}

async function pushChunk(
  shard: Shard,
  chunk: Chunk,
  { timeoutMs, routes, answered }: ChunkCall,
): Promise<PushAnswer[]> {
  const doubtful = routes === undefined ? "" : doubtfulOf(chunk.tasks, routes.spreads);
  const args = encodeChunk(chunk, doubtful);
  const reply = await shard.pushes.submit({ keys: chunk.tasks.keys(shard), args, timeoutMs });
  const answer = String(reply[0]);
  answered?.(shard.index);
  if (routes === undefined || !answer.startsWith("!")) {
    return answersOf(shard.index, chunk, answer);
  }
  // Nothing was stored: some of the tasks live in other shards, too.
  for (const text of answer.slice(1).split(",")) {
    const [index, over] = text.split(":").map(Number);
    routes.spreads.learn(chunk.tasks.nameOf(index ?? 0), over ?? 1, routes.shards.length);
  }
  return await pushOverShards(
    chunk.segments.flatMap((segment) => segment.jobs),
    routes,
  );
}

/** Which tasks their home has to be asked about. */
function doubtfulOf(tasks: TaskTable, spreads: SpreadTasks): string {
  const doubtful = tasks.names.flatMap((name, k) => (spreads.isSure(name) ? [] : [k + 1]));
  return doubtful.length === 0 ? "" : ` ${doubtful.join(",")}`;
}
