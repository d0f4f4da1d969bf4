/** push: one turn's new jobs of a shard as one numbered call. */
import { isNotDone } from "../../core/errors.js";
import type { NewJob, PushAnswer } from "../contract.js";
import { decodeSaved, encodeDue, encodeRecord } from "./codec.js";
import { noAnswer } from "./replies.js";
import { type Shard, TaskTable } from "./shard.js";
import { at, inOrder } from "./shards.js";
import type { SpreadTasks } from "./spreads.js";

/** A script takes so much, so that it stays short: jobs, a special one counted as several. */
const MOST_JOBS = 1_000;
const SPECIAL = 2;
const MOST_BYTES = 4 * 1024 * 1024;

interface Segment {
  task: number;
  /** What its jobs have beside their records; 0: nothing. */
  columns: number;
  jobs: NewJob[];
  records: string[];
}

interface Chunk {
  tasks: TaskTable;
  segments: Segment[];
  count: number;
  cost: number;
  bytes: number;
}

const ID = 1;
const DUE = 2;
const PRIORITY = 4;

function columnsOf({ id, due, rules }: NewJob): number {
  return (id === null ? 0 : ID) | (due === null ? 0 : DUE) | (rules.priority === 0 ? 0 : PRIORITY);
}

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
}

interface ChunkCall extends Pick<Routes, "answered"> {
  timeoutMs: number;
  routes?: Routes;
}

/** Saves jobs of one shard; the answers stand in the order of the jobs. `routes`: of several. */
export async function pushToShard(
  shard: Shard,
  args: { jobs: readonly NewJob[] } & ChunkCall,
): Promise<PushAnswer[]> {
  const calls = chunksOf(args.jobs).map((chunk) => pushChunk(shard, chunk, args));
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
  const { shards, spreads, wish, leftMs, answered } = routes;
  const parts = new Parts("several shards");
  const answers = await inOrder<NewJob, PushAnswer | undefined>(
    jobs,
    (job) => spreads.shardOfJob(job, shards, wish),
    (index, items) => {
      const call = { jobs: items, timeoutMs: leftMs(), routes, answered };
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

function chunksOf(jobs: readonly NewJob[]): Chunk[] {
  const chunks: Chunk[] = [];
  let chunk: Chunk | undefined;
  for (const job of jobs) {
    const record = encodeRecord(job);
    if (!chunk || chunk.cost >= MOST_JOBS || chunk.bytes + record.length > MOST_BYTES) {
      chunk = { tasks: new TaskTable(), segments: [], count: 0, cost: 0, bytes: 0 };
      chunks.push(chunk);
    }
    const task = chunk.tasks.indexOf(job.taskId);
    const columns = columnsOf(job);
    chunk.cost += columns === 0 ? 1 : SPECIAL;
    let segment = chunk.segments.at(-1);
    if (!segment || segment.task !== task || (segment.columns === 0) !== (columns === 0)) {
      segment = { task, columns, jobs: [], records: [] };
      chunk.segments.push(segment);
    }
    segment.columns |= columns;
    segment.jobs.push(job);
    segment.records.push(record);
    chunk.count += 1;
    chunk.bytes += record.length;
  }
  return chunks;
}

async function pushChunk(
  shard: Shard,
  chunk: Chunk,
  { timeoutMs, routes, answered }: ChunkCall,
): Promise<PushAnswer[]> {
  const [tasks = "", ...names] = chunk.tasks.args();
  const doubtful = routes === undefined ? "" : doubtfulOf(chunk.tasks, routes.spreads);
  const args = [String(chunk.count), tasks + doubtful, ...names];
  for (const segment of chunk.segments) encodeSegment(segment, args);
  const reply = await shard.pushes.submit({ keys: chunk.tasks.keys(shard), args, timeoutMs });
  const answer = String(reply[0]);
  answered?.(shard.index);
  if (routes === undefined || !answer.startsWith("!")) {
    return parseAnswer(shard.index, chunk, answer);
  }
  // Nothing was stored: some of the tasks live in other shards, too.
  for (const text of answer.slice(1).split(",")) {
    const [index, over] = text.split(":").map(Number);
    routes.spreads.learn(chunk.tasks.nameOf(index ?? 0), over ?? 1, routes.shards.length);
  }
  const jobs = chunk.segments.flatMap((segment) => segment.jobs);
  return await pushOverShards(jobs, routes);
}

/** Which tasks their home has to be asked about. */
function doubtfulOf(tasks: TaskTable, spreads: SpreadTasks): string {
  const doubtful = tasks.names.flatMap((name, k) => (spreads.isSure(name) ? [] : [k + 1]));
  return doubtful.length === 0 ? "" : ` ${doubtful.join(",")}`;
}

function encodeSegment({ task, columns, jobs, records }: Segment, args: string[]): void {
  if (columns === 0) {
    args.push(String(task), "p", String(jobs.length), ...records);
    return;
  }
  const has = (column: number) => (columns & column) !== 0;
  const kind = `s${has(ID) ? "i" : ""}${has(DUE) ? "d" : ""}${has(PRIORITY) ? "p" : ""}`;
  args.push(String(task), kind, String(jobs.length));
  jobs.forEach((job, k) => {
    if (has(ID)) args.push(job.id ?? "");
    if (has(DUE)) args.push(encodeDue(job));
    if (has(PRIORITY)) args.push(String(job.rules.priority));
    args.push(records[k] ?? "");
  });
}

function parseAnswer(shard: number, chunk: Chunk, answer: string): PushAnswer[] {
  const parts = answer.split(";");
  const answers: PushAnswer[] = [];
  let at = 0;
  for (const { columns, jobs } of chunk.segments) {
    const text = parts[at] ?? "";
    if (columns === 0) addInRow(answers, { shard, jobs, alike: `${text},1,r,` });
    else if (text.startsWith("*")) addInRow(answers, { shard, jobs, alike: text.slice(1) });
    else {
      for (const [k, job] of jobs.entries()) {
        answers.push(decodeSaved(shard, job, parts[at + k] ?? ""));
      }
      at += jobs.length - 1;
    }
    at += 1;
  }
  return answers;
}

const MILLION = 1_000_000;

/**
 * Answers for new jobs with numbers in a row, of which the first is told. Spelling a number of 16
 * digits costs as much as all the rest of an answer: mostly only its last six change.
 */
function addInRow(
  answers: PushAnswer[],
  { shard, jobs, alike }: { shard: number; jobs: readonly NewJob[]; alike: string },
): void {
  const { state, dueAt } = decodeSaved(shard, { id: "" }, alike);
  const first = alike.slice(0, alike.indexOf(","));
  let high = Number(first.slice(0, -6));
  let low = Number(first.slice(-6));
  let head = `${shard}-${String(high).padStart(10, "0")}`;
  for (const { id } of jobs) {
    if (low === MILLION) {
      low = 0;
      high += 1;
      head = `${shard}-${String(high).padStart(10, "0")}`;
    }
    const ownId = id ?? head + String(MILLION + low).slice(1);
    answers.push({ id: ownId, created: true, state, dueAt });
    low += 1;
  }
}
