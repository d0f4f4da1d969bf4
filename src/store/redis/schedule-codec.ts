/** Schedules on the wire: definitions, views, ledgers, decisions and what became of them. */
import { decodeHead, encodeHead } from "../../core/record.js";
import { entryAt, type FiredHow, type LedgerEntry } from "../../core/schedule/ledger.js";
import type { Decision, PassReason } from "../../core/schedule/outcome.js";
import { OVERLAPS, type Overlap } from "../../core/schedule/overlap.js";
import type {
  DueSchedule,
  FireOutcome,
  Registration,
  ScheduleView,
  ScheduleWrite,
} from "../contract.js";
import { decodeSaved, publicId, wholeNumber } from "./codec.js";

const REASONS: Readonly<Record<PassReason, string>> = {
  misfire: "m",
  excluded: "e",
  paused: "p",
  orphaned: "o",
  overlap: "v",
  full: "f",
  replaced: "r",
  moved: "w",
  unattended: "t",
};

const REASON_OF = new Map(
  Object.entries(REASONS).map(([reason, letter]) => [letter, reason as PassReason]),
);

const HOWS: Readonly<Record<string, FiredHow>> = {
  d: "due",
  c: "catchup",
  t: "trigger",
  b: "backfill",
};

/** A set's name stands between spaces and "=". */
export function encodeRegistration(registration: Registration | null): [string, string] {
  if (registration === null) return ["", "0"];
  return [encodeURIComponent(registration.set), wholeNumber(registration.leaseMs)];
}

/** "" stands for "none". */
export function encodeInstant(at: number | null): string {
  return at === null ? "" : String(at);
}

function decodeInstant(text: string | undefined): number | null {
  return text === undefined || text === "" ? null : Number(text);
}

export function encodeOverlap(overlap: Overlap): string {
  return String(OVERLAPS.indexOf(overlap));
}

/** The head of an occurrence's job up to the schedule's id: the script adds the occurrence. */
export function encodeHeadTemplate(schedule: ScheduleWrite): string {
  const { scheduleId, rules } = schedule;
  const occurrence = { scheduleId, scheduledFor: 0, isCatchup: false, missedCount: 0 };
  const head = encodeHead({ id: null, rules, occurrence: { ...occurrence, isTracked: false } });
  return head.slice(0, -',"o":0}'.length);
}

export function encodeDecision(decision: Decision): string {
  if (decision.kind === "fire") {
    const { scheduledFor, isCatchup, missedCount } = decision;
    return `f${scheduledFor},${isCatchup ? 1 : 0},${missedCount}`;
  }
  const { reason, from, to, count } = decision;
  return `p${REASONS[reason]},${from},${to},${count}`;
}

/** `ownId`: the caller's id of the job, where it has one. */
export function decodeOutcome(
  text: string,
  job: { shard: number; ownId: string | null },
): FireOutcome {
  switch (text) {
    case "b":
      return { kind: "buffered" };
    case "sv":
      return { kind: "skipped", reason: "overlap" };
    case "sf":
      return { kind: "skipped", reason: "full" };
    case "p":
      return { kind: "passed" };
    default:
      return { kind: "fired", job: decodeSaved(job.shard, { id: job.ownId }, text) };
  }
}

/** The id of a backfilled occurrence's job. */
export function backfillId(scheduleId: string, instant: number | string): string {
  return `${scheduleId}@${instant}`;
}

/** `[id, task, definition, numbers, reason of the pause]`. */
export function decodeDue(entry: readonly string[]): DueSchedule {
  const [scheduleId = "", taskId = "", definition = "", numbers = "", reason = ""] = entry;
  const n = numbers.split(",");
  const pausedAt = decodeInstant(n[10]);
  return {
    scheduleId,
    taskId,
    revision: Number(n[0]),
    definition,
    digest: n[6] ?? "",
    nextAt: decodeInstant(n[7]),
    decidedAt: Number(n[8]),
    firedCount: Number(n[9]),
    paused:
      pausedAt === null
        ? null
        : { at: pausedAt, until: decodeInstant(n[11]), reason, orphaned: n[12] === "1" },
    code: n[1] === "1",
    registeredUntil: decodeInstant(n[13]),
  };
}

/** The same, then `payload, head, open, buffered`. */
export function decodeView(shard: number, entry: readonly string[]): ScheduleView {
  const n = (entry[3] ?? "").split(",");
  const [payload = "", head = "", open = "", buffered = ""] = entry.slice(5);
  return {
    ...decodeDue(entry),
    payload,
    rules: decodeHead(`${head}}`).rules,
    overlap: OVERLAPS[Number(n[2])] ?? "allow",
    generation: Number(n[5]),
    open: split(open, "\n").map((line) => openId(shard, line)),
    buffered: split(buffered, " ").map((item) => Number(item.split(",", 1)[0])),
  };
}

/** Its number and, where it is the caller's, its id as JSON. */
function openId(shard: number, line: string): string {
  const [number = ""] = line.split(" ", 1);
  const id = line.slice(number.length + 1);
  return publicId({ shard, number, ownId: id === "" ? null : (JSON.parse(id) as string) });
}

/** Fired and not fired in one row, oldest first. */
export function decodeLedger(
  schedule: { shard: number; scheduleId: string },
  fired: string,
  passed: string,
): LedgerEntry[] {
  const entries: LedgerEntry[] = [
    ...split(fired, "\n").map((line) => decodeFired(schedule, line)),
    ...split(passed, "\n").map(decodePassed),
  ];
  return entries.sort((a, b) => entryAt(a) - entryAt(b));
}

function decodeFired(schedule: { shard: number; scheduleId: string }, line: string): LedgerEntry {
  const [at = "0", lag = "0", how = "", instance = ""] = line.split(" ");
  const micros = BigInt(at) * 1_000n + BigInt(lag);
  const number = String(micros).padStart(16, "0");
  const ownId = how === "b" ? backfillId(schedule.scheduleId, at) : null;
  return {
    kind: "fired",
    scheduledFor: Number(at),
    firedAt: Number(micros / 1_000n),
    how: HOWS[how] ?? "due",
    jobId: publicId({ shard: schedule.shard, number, ownId }),
    instance,
  };
}

function decodePassed(line: string): LedgerEntry {
  const [letter = "", from, to, count, decidedAt, instance = ""] = line.split(" ");
  return {
    kind: "passed",
    reason: REASON_OF.get(letter) ?? "misfire",
    from: Number(from),
    to: Number(to),
    count: Number(count),
    decidedAt: Number(decidedAt),
    instance,
  };
}

function split(text: string, separator: string): string[] {
  return text === "" ? [] : text.split(separator);
}
