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

/** Parts records; JSON has none. */
const NUL = "\0";

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
    const plain = isPlain(job) && !record.includes(NUL);
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
    if (segment.plain) args.push(segment.records.join(NUL));
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
      const first = Number(parts[at++]);
      for (let k = 0; k < segment.jobs.length; k += 1) {
        answers.push(readyAnswer(shard, String(first + k).padStart(16, "0")));
      }
    } else {
      for (const job of segment.jobs) answers.push(decodeSaved(shard, job, parts[at++] ?? ""));
    }
  }
  return answers;
}

function readyAnswer(shard: number, number: string): PushAnswer {
  return { id: `${shard}-${number}`, created: true, state: "ready", dueAt: null };
}
