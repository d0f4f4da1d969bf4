/** push: one turn's new jobs of a shard as one numbered call. */
import type { NewJob, PushAnswer } from "../contract.js";
import { decodeSaved, encodeNewJob, encodeRecord } from "./codec.js";
import { type Shard, TaskTable } from "./shard.js";

/** A script takes at most this much, so that it stays short. */
const MOST_JOBS = 1_000;
const MOST_BYTES = 4 * 1024 * 1024;

interface Segment {
  task: number;
  plain: boolean;
  jobs: NewJob[];
  records: string[];
}

interface Chunk {
  tasks: TaskTable;
  segments: Segment[];
  count: number;
  bytes: number;
}

function isPlain({ id, due, rules }: NewJob): boolean {
  return id === null && due === null && rules.priority === 0;
}

/** Saves jobs of one shard; the answers stand in the order of the jobs. */
export async function pushToShard(
  shard: Shard,
  args: { jobs: readonly NewJob[]; timeoutMs: number },
): Promise<PushAnswer[]> {
  const calls = chunksOf(args.jobs).map((chunk) => pushChunk(shard, chunk, args.timeoutMs));
  if (calls.length === 1) return await calls[0]!;
  return (await Promise.all(calls)).flat();
}

function chunksOf(jobs: readonly NewJob[]): Chunk[] {
  const chunks: Chunk[] = [];
  let chunk: Chunk | undefined;
  for (const job of jobs) {
    const record = encodeRecord(job);
    if (!chunk || chunk.count >= MOST_JOBS || chunk.bytes + record.length > MOST_BYTES) {
      chunk = { tasks: new TaskTable(), segments: [], count: 0, bytes: 0 };
      chunks.push(chunk);
    }
    const task = chunk.tasks.indexOf(job.taskId);
    const plain = isPlain(job);
    let segment = chunk.segments.at(-1);
    if (!segment || segment.task !== task || segment.plain !== plain) {
      segment = { task, plain, jobs: [], records: [] };
      chunk.segments.push(segment);
    }
    segment.jobs.push(job);
    segment.records.push(record);
    chunk.count += 1;
    chunk.bytes += record.length;
  }
  return chunks;
}

async function pushChunk(shard: Shard, chunk: Chunk, timeoutMs: number): Promise<PushAnswer[]> {
  const args = [String(chunk.count), ...chunk.tasks.args()];
  for (const segment of chunk.segments) {
    args.push(String(segment.task), segment.plain ? "p" : "s", String(segment.jobs.length));
    if (segment.plain) args.push(...segment.records);
    else
      segment.jobs.forEach((job, k) => {
        args.push(...encodeNewJob(job, segment.records[k] ?? ""));
      });
  }
  const [answer] = await shard.pushes.submit({ keys: chunk.tasks.keys(shard), args, timeoutMs });
  return parseAnswer(shard.index, chunk, String(answer));
}

function parseAnswer(shard: number, chunk: Chunk, answer: string): PushAnswer[] {
  const parts = answer.split(";");
  const answers: PushAnswer[] = [];
  let at = 0;
  for (const segment of chunk.segments) {
    if (segment.plain) {
      addReady(answers, { shard, first: parts[at++] ?? "", count: segment.jobs.length });
    } else {
      for (const job of segment.jobs) answers.push(decodeSaved(shard, job, parts[at++] ?? ""));
    }
  }
  return answers;
}

const MILLION = 1_000_000;

/**
 * Answers for numbers in a row. Spelling a number of 16 digits costs as much as all the rest of an
 * answer: mostly only its last six change.
 */
function addReady(
  answers: PushAnswer[],
  { shard, first, count }: { shard: number; first: string; count: number },
): void {
  let high = Number(first.slice(0, -6));
  let low = Number(first.slice(-6));
  let head = `${shard}-${String(high).padStart(10, "0")}`;
  for (let k = 0; k < count; k += 1, low += 1) {
    if (low === MILLION) {
      low = 0;
      high += 1;
      head = `${shard}-${String(high).padStart(10, "0")}`;
    }
    const id = head + String(MILLION + low).slice(1);
    answers.push({ id, created: true, state: "ready", dueAt: null });
  }
}
