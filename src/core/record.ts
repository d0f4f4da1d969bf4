/**
 * The record of a job as every store keeps it: a head (JSON, "" when all is default) and the
 * payload, which is never parsed or changed on the way. protocol/PROTOCOL.md describes it.
 */
import type { JobRules, Occurrence, RetryRule } from "./job.js";

/** The default wait after a failure, ms; left out of heads. */
export const DEFAULT_RETRY_WAIT_MS = 10_000;

export interface Head {
  /** The caller's id; null: assigned. */
  id: string | null;
  rules: JobRules;
  occurrence: Occurrence | null;
}

/** Field names are short because every waiting job pays for them. */
interface StoredHead {
  /** id */
  i?: string;
  /** retry: tries in all, 0 = unlimited; absent = retry off */
  r?: number;
  /** retry wait in ms; absent = 10000 */
  w?: number;
  /** 1 = exponential backoff */
  b?: 1;
  /** priority; absent = 0 */
  p?: number;
  /** timeout in ms */
  t?: number;
  /** scheduleId */
  s?: string;
  /** scheduledFor, epoch ms */
  o?: number;
  /** 1 = catch-up */
  c?: 1;
  /** missedCount; absent = 0 */
  m?: number;
  /** 1 = tracked: its end concerns the schedule */
  x?: 1;
}

const PLAIN: Head = Object.freeze({
  id: null,
  rules: Object.freeze({ retry: null, priority: 0, timeoutMs: null }),
  occurrence: null,
});

/** The rules of a job are mostly those of the job before. */
let lastRules: JobRules = PLAIN.rules;
let lastText = "";

/** The text of a head; the same head always gives the same text. */
export function encodeHead(head: Head): string {
  const { id, rules, occurrence } = head;
  if (occurrence !== null) return textOf(head);
  if (!areAlike(rules, lastRules)) {
    lastText = textOf({ id: null, rules, occurrence: null });
    lastRules = rules;
  }
  if (id === null) return lastText;
  const ownId = `{"i":${JSON.stringify(id)}`;
  return lastText === "" ? `${ownId}}` : `${ownId},${lastText.slice(1)}`;
}

function areAlike(a: JobRules, b: JobRules): boolean {
  if (a === b) return true;
  if (a.priority !== b.priority || a.timeoutMs !== b.timeoutMs) return false;
  if (a.retry === null || b.retry === null) return a.retry === b.retry;
  return (
    a.retry.attempts === b.retry.attempts &&
    a.retry.waitMs === b.retry.waitMs &&
    a.retry.backoff === b.retry.backoff
  );
}

function textOf({ id, rules, occurrence }: Head): string {
  const stored: StoredHead = {};
  if (id !== null) stored.i = id;
  if (rules.retry !== null) {
    stored.r = rules.retry.attempts;
    if (rules.retry.waitMs !== DEFAULT_RETRY_WAIT_MS) stored.w = rules.retry.waitMs;
    if (rules.retry.backoff === "exponential") stored.b = 1;
  }
  if (rules.priority !== 0) stored.p = rules.priority;
  if (rules.timeoutMs !== null) stored.t = rules.timeoutMs;
  if (occurrence !== null) {
    stored.s = occurrence.scheduleId;
    stored.o = occurrence.scheduledFor;
    if (occurrence.isCatchup) stored.c = 1;
    if (occurrence.missedCount !== 0) stored.m = occurrence.missedCount;
    if (occurrence.isTracked) stored.x = 1;
  }
  const text = JSON.stringify(stored);
  return text === "{}" ? "" : text;
}

/** The head of a text that `encodeHead` (or another client) wrote; unknown fields are ignored. */
export function decodeHead(text: string): Head {
  if (text === "") return PLAIN;
  const stored = JSON.parse(text) as StoredHead;
  return {
    id: stored.i ?? null,
    rules: {
      retry: retryOf(stored),
      priority: stored.p ?? 0,
      timeoutMs: stored.t ?? null,
    },
    occurrence:
      stored.s === undefined
        ? null
        : {
            scheduleId: stored.s,
            scheduledFor: stored.o ?? 0,
            isCatchup: stored.c === 1,
            missedCount: stored.m ?? 0,
            isTracked: stored.x === 1,
          },
  };
}

function retryOf(stored: StoredHead): RetryRule | null {
  if (stored.r === undefined) return null;
  return {
    attempts: stored.r,
    waitMs: stored.w ?? DEFAULT_RETRY_WAIT_MS,
    backoff: stored.b === 1 ? "exponential" : "fixed",
  };
}
