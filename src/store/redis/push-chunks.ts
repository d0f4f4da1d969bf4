/**
 * The jobs of one call of push.lua: in segments of the same task and kind, as the script takes them
 * and answers for them.
 */
import type { NewJob, PushAnswer } from "../contract.js";
import { decodeSaved, encodeDue, encodeRecord } from "./codec.js";
import { type Piece, piecesOf } from "./pieces.js";
import { TaskTable } from "./shard.js";

/** A script takes so much, so that it stays short: jobs, a special one counted as several. */
const MOST_JOBS = 1_000;
const SPECIAL = 2;
const MOST_BYTES = 4 * 1024 * 1024;

/**
 * So many jobs of a segment become a bundle where a call has several segments: a bundle takes a
 * hundred numbers, and a number is a µs of the store's clock, which these must not outrun.
 */
const LEAST_AMONG_OTHERS = 32;

interface Segment {
  task: number;
  /** What its jobs have beside their records; 0: nothing. */
  columns: number;
  jobs: NewJob[];
  records: string[];
  /** Of one that is sent as bundles. */
  pieces: Piece[] | null;
}

export interface Chunk {
  tasks: TaskTable;
  segments: Segment[];
  count: number;
  cost: number;
  bytes: number;
  /** How many jobs become a bundle. */
  least: number | undefined;
}

const ID = 1;
const DUE = 2;
const PRIORITY = 4;

function columnsOf({ id, due, rules }: NewJob): number {
  return (id === null ? 0 : ID) | (due === null ? 0 : DUE) | (rules.priority === 0 ? 0 : PRIORITY);
}

export function chunksOf(jobs: readonly NewJob[], least?: number): Chunk[] {
  const chunks: Chunk[] = [];
  let chunk: Chunk | undefined;
  for (const job of jobs) {
    const record = encodeRecord(job);
    if (!chunk || chunk.cost >= MOST_JOBS || chunk.bytes + record.length > MOST_BYTES) {
      const size = { count: 0, cost: 0, bytes: 0 };
      chunk = { tasks: new TaskTable(), segments: [], least, ...size };
      chunks.push(chunk);
    }
    const task = chunk.tasks.indexOf(job.taskId);
    const columns = columnsOf(job);
    let segment = chunk.segments.at(-1);
    // Numbers rise in the order in which jobs are pushed: so it is not joined out of turn.
    if (!segment || segment.task !== task || (segment.columns === 0) !== (columns === 0)) {
      segment = { task, columns, jobs: [], records: [], pieces: null };
      chunk.segments.push(segment);
    }
    segment.columns |= columns;
    segment.jobs.push(job);
    segment.records.push(record);
    chunk.cost += columns === 0 ? 1 : SPECIAL;
    chunk.count += 1;
    chunk.bytes += record.length;
  }
  return chunks;
}

/** The arguments of the call. `doubtful`: what stands behind the number of tasks. */
export function encodeChunk(chunk: Chunk, doubtful: string): string[] {
  const [tasks = "", ...names] = chunk.tasks.args();
  const args = [String(chunk.count), tasks + doubtful, ...names];
  const least = chunk.least ?? (chunk.segments.length > 1 ? LEAST_AMONG_OTHERS : undefined);
  for (const segment of chunk.segments) {
    // A lone job may be handed to a sleeper.
    if (segment.columns === 0 && chunk.count > 1) {
      segment.pieces = piecesOf(segment.records, least);
    }
    encodeSegment(segment, args);
  }
  return args;
}

function encodeSegment(segment: Segment, args: string[]): void {
  const { task, columns, jobs, records, pieces } = segment;
  if (pieces !== null) {
    args.push(String(task), "b", String(pieces.length));
    for (const { count, text, size } of pieces) {
      args.push(size === 0 ? String(count) : `${count}:${size}`, text);
    }
    return;
  }
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

/** What was answered, in the order in which the jobs were given. */
export function answersOf(shard: number, chunk: Chunk, answer: string): PushAnswer[] {
  const parts = new Parts(answer);
  const answers: PushAnswer[] = [];
  for (const segment of chunk.segments) addAnswers(answers, { shard, segment, parts });
  return answers;
}

/** An answer, piece by piece. */
class Parts {
  readonly #parts: string[];
  #at = 0;

  constructor(answer: string) {
    this.#parts = answer.split(";");
  }

  next(): string {
    this.#at += 1;
    return this.#parts[this.#at - 1] ?? "";
  }
}

interface OfSegment {
  shard: number;
  segment: Segment;
  parts: Parts;
}

function addAnswers(answers: PushAnswer[], { shard, segment, parts }: OfSegment): void {
  const { columns, jobs, pieces } = segment;
  if (pieces !== null) {
    let from = 0;
    for (const { count } of pieces) {
      addInRow(answers, { shard, jobs, alike: `${parts.next()},1,r,`, from, to: from + count });
      from += count;
    }
    return;
  }
  const all = { shard, jobs, from: 0, to: jobs.length };
  const text = parts.next();
  if (columns === 0) addInRow(answers, { ...all, alike: `${text},1,r,` });
  else if (text.startsWith("*")) addInRow(answers, { ...all, alike: text.slice(1) });
  else {
    jobs.forEach((job, k) => {
      answers.push(decodeSaved(shard, job, k === 0 ? text : parts.next()));
    });
  }
}

interface InRow {
  shard: number;
  jobs: readonly NewJob[];
  /** Of the first. */
  alike: string;
  /** Which of the jobs: up to the one before `to`. */
  from: number;
  to: number;
}

const MILLION = 1_000_000;

/**
 * Answers for new jobs with numbers in a row, of which the first is told. Spelling a number of 16
 * digits costs as much as all the rest of an answer: mostly only its last six change.
 */
function addInRow(answers: PushAnswer[], { shard, jobs, alike, from, to }: InRow): void {
  const { state, dueAt } = decodeSaved(shard, { id: "" }, alike);
  const first = alike.slice(0, alike.indexOf(","));
  let high = Number(first.slice(0, -6));
  let low = Number(first.slice(-6));
  let head = `${shard}-${String(high).padStart(10, "0")}`;
  for (let k = from; k < to; k += 1) {
    if (low === MILLION) {
      low = 0;
      high += 1;
      head = `${shard}-${String(high).padStart(10, "0")}`;
    }
    const id = jobs[k]?.id ?? head + String(MILLION + low).slice(1);
    answers.push({ id, created: true, state, dueAt });
    low += 1;
  }
}
