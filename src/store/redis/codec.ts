/** Texts on the wire: records, counts, keep rules, public ids. */
import type { JobCounts, JobState } from "../../core/job.js";
import { NO_COUNTS } from "../../core/job.js";
import { decodeHead, encodeHead, type Head } from "../../core/record.js";
import type { ClaimedJob, KeepRules, NewJob, PushAnswer } from "../contract.js";

const LETTERS: Readonly<Record<string, JobState>> = {
  s: "scheduled",
  r: "ready",
  a: "running",
  c: "completed",
  d: "dead",
  x: "cancelled",
};

export function stateOf(letter: string): JobState {
  return LETTERS[letter] ?? "ready";
}

export function encodeRecord(job: NewJob): string {
  return `${encodeHead(job)}\n${job.payload}`;
}

/** Most jobs of a task have the same head: the last one is remembered instead of parsed again. */
let lastText = "\n";
let lastHead: Head = decodeHead("");

export function decodeRecord(record: string): { head: Head; payload: string } {
  if (!record.startsWith(lastText)) {
    const stop = record.indexOf("\n");
    // No client of ours wrote it. Not to be remembered: every record begins with nothing.
    if (stop === -1) return { head: decodeHead(""), payload: record };
    lastHead = decodeHead(record.slice(0, stop));
    // Joined anew, so that it does not hold on to the whole record.
    lastText = Buffer.from(record.slice(0, stop + 1)).toString();
  }
  return { head: lastHead, payload: record.slice(lastText.length) };
}

export function decodeCounts(text: string): JobCounts {
  if (text === "") return NO_COUNTS;
  const [failures = 0, crashes = 0, handOffs = 0, crashesInRow = 0, invalidInRow = 0] = text
    .split(",")
    .map(Number);
  return { failures, crashes, handOffs, crashesInRow, invalidInRow };
}

export function encodeKeep(keep: KeepRules): string[] {
  const { completed, dead, cancelled } = keep;
  return [
    keep.idMs,
    keep.idCount,
    completed.ageMs,
    completed.count,
    dead.ageMs,
    dead.count,
    cancelled.ageMs,
    cancelled.count,
  ].map(wholeNumber);
}

/** Infinity is a legal age or count; Lua reads 9e15 as well. */
export function wholeNumber(n: number): string {
  return String(Math.min(Math.round(n), 9_000_000_000_000_000));
}

export function publicId(args: { shard: number; number: string; ownId: string | null }): string {
  return args.ownId ?? `${args.shard}-${args.number}`;
}

/** The number that an assigned id of this shard spells; "" for every other id. */
export function spelledNumber(id: string, shard: number): string {
  const match = /^(\d{1,5})-(\d{16})$/.exec(id);
  return match !== null && Number(match[1]) === shard ? (match[2] ?? "") : "";
}

export function decodeClaimed(args: {
  shard: number;
  number: string;
  record: string;
  counts: string;
}): ClaimedJob {
  const { head, payload } = decodeRecord(args.record);
  return {
    number: args.number,
    id: publicId({ shard: args.shard, number: args.number, ownId: head.id }),
    ownId: head.id !== null,
    payload,
    rules: head.rules,
    occurrence: head.occurrence,
    counts: decodeCounts(args.counts),
  };
}

/** Now, so long from now, or then. */
export function encodeDue({ due }: Pick<NewJob, "due">): string {
  if (due === null) return "";
  return "in" in due ? `+${wholeNumber(Math.ceil(due.in))}` : `@${wholeNumber(due.at)}`;
}

/** When it is due, in whole ms; the store knows the µs. Down: it begins no earlier than we say. */
export function decodeDue(text: string): number | null {
  return text === "" ? null : Math.floor(Number(text));
}

/** What became of it: `number,created,state letter,dueAt`. */
export function decodeSaved(shard: number, job: Pick<NewJob, "id">, text: string): PushAnswer {
  const [number = "", created, letter = "", due = ""] = text.split(",");
  return {
    id: publicId({ shard, number, ownId: job.id }),
    created: created === "1",
    state: stateOf(letter),
    dueAt: decodeDue(due),
  };
}

/** A flat reply, two by two. */
export function pairs(flat: readonly string[]): [string, string][] {
  const out: [string, string][] = [];
  for (let k = 0; k + 1 < flat.length; k += 2) out.push([flat[k] ?? "", flat[k + 1] ?? ""]);
  return out;
}
