/**
 * Takes the first in line of a task. What a claim hands out is read as a few long texts, one value
 * of each job behind the other: a row for each job would cost more than SQLite's whole work on it.
 */
import { decodeHead, type Head } from "../../core/record.js";
import type { ClaimedJob } from "../contract.js";
import { STATE } from "./schema.js";
import { digits, publicId, type Scope } from "./scope.js";
import type { TaskRow } from "./tasks.js";
import { fromStored } from "./text.js";

/** What one answer may still carry; at least one job always. */
export interface Room {
  jobs: number;
  bytes: number;
  isUntouched: boolean;
}

export interface TakenJob {
  number: number;
  /** True when the last of its attempts ended its process. */
  isCrasher: boolean;
  job: ClaimedJob;
}

/** Stands between texts: JSON escapes it, and `lineOf` sees when some other text holds it. */
const BETWEEN = "\u001e";

/** Longer payloads are read one by one: there the copy costs more than the row. */
const LONGEST_JOINED = 2_048;

/** Instead of such a payload; no stored text is like it. */
const APART = "\u0001";

/** In the order of the line, in each of its texts. */
const LINE = `SELECT
  group_concat(number, ' ') AS numbers,
  group_concat(octet_length(payload), ' ') AS bytes,
  group_concat(head, char(30)) AS heads,
  group_concat(iif(octet_length(payload) > ${LONGEST_JOINED}, char(1), payload), char(30))
    AS payloads,
  group_concat(iif(failures + crashes + hand_offs = 0, '', failures || '-' || crashes || '-' ||
    hand_offs || '-' || crashes_in_row || '-' || invalid_in_row), ' ') AS counts
FROM (
  SELECT number, payload, head, failures, crashes, hand_offs, crashes_in_row, invalid_in_row
  FROM job INDEXED BY job_ready
  WHERE task = ? AND state = ${STATE.ready} AND lane = 0 ORDER BY priority, place LIMIT ?
) AS wanted`;

interface LineRow {
  numbers: string | null;
  bytes: string;
  heads: string;
  payloads: string;
  counts: string;
}

const NO_COUNTS = Object.freeze({
  ...{ failures: 0, crashes: 0, handOffs: 0, crashesInRow: 0, invalidInRow: 0 },
});

/** As many as are wanted and the answer has room for; `isMore`: some had to stay. */
export function chooseJobs(
  scope: Scope,
  task: TaskRow,
  { limit, room }: { limit: number; room: Room },
): { chosen: TakenJob[]; isMore: boolean } {
  const most = Math.min(Math.floor(limit), room.jobs);
  // one more than wanted shows whether anybody is left
  const line = scope.tx.get<LineRow>(LINE, task.id, Math.min(most, task.counters.ready) + 1);
  const chosen: TakenJob[] = [];
  if (line === undefined || line.numbers === null) return { chosen, isMore: false };
  const numbers = line.numbers.split(" ");
  const sizes = line.bytes.split(" ");
  const counts = line.counts.split(" ");
  const heads = textsOf(scope, numbers, { text: line.heads, column: "head" });
  const payloads = textsOf(scope, numbers, { text: line.payloads, column: "payload" });
  const decoded = new Map<string, Head>();
  for (let at = 0; at < numbers.length; at += 1) {
    const bytes = Number(sizes[at]);
    if (at === most || (bytes > room.bytes && !room.isUntouched)) break;
    room.isUntouched = false;
    room.jobs -= 1;
    room.bytes -= bytes;
    // the row is written anew, with all that it holds
    scope.tx.connection.checkpoints?.wrote(0, bytes);
    const number = Number(numbers[at]);
    const text = payloads[at] as string;
    const payload = text === APART ? readText(scope, number, "payload") : text;
    const facts = { number, head: heads[at] as string, payload, counts: counts[at] as string };
    chosen.push(takenJob(facts, decoded));
  }
  return { chosen, isMore: chosen.length < numbers.length };
}

/** The joined texts of a column; read one by one when one of them holds what stands between. */
function textsOf(
  scope: Scope,
  numbers: readonly string[],
  { text, column }: { text: string; column: "head" | "payload" },
): string[] {
  const texts = text.split(BETWEEN);
  if (texts.length === numbers.length) return texts;
  return numbers.map((number) => readText(scope, Number(number), column));
}

function readText({ tx }: Scope, number: number, column: "head" | "payload"): string {
  const sql = `SELECT ${column} AS text FROM job WHERE number = ?`;
  return tx.get<{ text: string }>(sql, number)?.text ?? "";
}

interface Facts {
  number: number;
  head: string;
  payload: string;
  counts: string;
}

/** `decoded`: heads seen in this claim; most jobs of a task have the same. */
function takenJob({ number, head, payload, counts }: Facts, decoded: Map<string, Head>): TakenJob {
  let known = decoded.get(head);
  if (known === undefined) {
    known = decodeHead(head);
    decoded.set(head, known);
  }
  const { id, rules, occurrence } = known;
  const job: ClaimedJob = {
    number: digits(number),
    id: publicId(id, number),
    ownId: id !== null,
    payload: fromStored(payload),
    rules,
    occurrence,
    counts: counts === "" ? NO_COUNTS : countsOf(counts),
  };
  return { number, isCrasher: job.counts.crashesInRow > 0, job };
}

function countsOf(text: string): ClaimedJob["counts"] {
  const [failures = 0, crashes = 0, handOffs = 0, crashesInRow = 0, invalidInRow = 0] = text
    .split("-")
    .map(Number);
  return { failures, crashes, handOffs, crashesInRow, invalidInRow };
}
