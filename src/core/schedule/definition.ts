/** What a schedule is, and its text as the store keeps it. */
import { createHash } from "node:crypto";
import { SchedulerError } from "../errors.js";
import type { JobRules } from "../job.js";
import type { Overlap } from "./overlap.js";

/** From the first instant up to, not including, the second; epoch ms. */
export type ExcludedSpan = [from: number, to: number];

export interface ScheduleRule {
  v: 1;
  taskId: string;
  kind: "cron" | "every";
  /** For kind `cron`. */
  cronExpr?: string;
  /** For kind `every`: occurrences are its multiples since `startAt`, or since the epoch. */
  everyMs?: number;
  timezone: string;
  /** No occurrence before it, epoch ms. */
  startAt?: number;
  /** No occurrence after it, epoch ms. */
  endAt?: number;
  /** So many occurrences fire, and no more. */
  limit?: number;
  /** Occurrences in these spans do not fire; in order, apart from each other. */
  exclude?: ExcludedSpan[];
  /** Stands for a function that excludes occurrences: a digest of its text. */
  excludeCode?: string;
  /** Each occurrence is due by up to this much later, always the same for one schedule id. */
  jitterMs?: number;
  misfire: "skip" | "once" | "all";
  catchupWindowMs: number;
  maxCatchup: number;
  misfireAfterMs: number;
  overlap: Overlap;
  /** What becomes of it when no live scheduler has registered it for `orphanAfterMs`. */
  orphan: "pause" | "remove" | "keep";
  orphanAfterMs: number;
  rules: JobRules;
}

export interface ScheduleDefinition extends ScheduleRule {
  /** JSON text of the data of its jobs; "" = none. */
  payload: string;
}

/** The text of a rule: the same rule always gives the same text. */
export function encodeRule(rule: ScheduleRule): string {
  const { rules } = rule;
  const retry = rules.retry && {
    attempts: rules.retry.attempts,
    waitMs: rules.retry.waitMs,
    backoff: rules.retry.backoff,
  };
  // The order of the fields is part of the text; undefined ones leave no trace.
  return JSON.stringify({
    v: rule.v,
    taskId: rule.taskId,
    kind: rule.kind,
    cronExpr: rule.cronExpr,
    everyMs: rule.everyMs,
    timezone: rule.timezone,
    startAt: rule.startAt,
    endAt: rule.endAt,
    limit: rule.limit,
    exclude: rule.exclude,
    excludeCode: rule.excludeCode,
    jitterMs: rule.jitterMs,
    misfire: rule.misfire,
    catchupWindowMs: rule.catchupWindowMs,
    maxCatchup: rule.maxCatchup,
    misfireAfterMs: rule.misfireAfterMs,
    overlap: rule.overlap,
    orphan: rule.orphan,
    orphanAfterMs: rule.orphanAfterMs,
    rules: { retry, priority: rules.priority, timeoutMs: rules.timeoutMs },
  } satisfies { [Key in keyof Required<ScheduleRule>]: ScheduleRule[Key] | undefined });
}

/** The rule of a text that `encodeRule` wrote. */
export function decodeRule(text: string): ScheduleRule {
  let decoded: unknown;
  try {
    decoded = JSON.parse(text);
  } catch {
    decoded = null;
  }
  const version: unknown =
    typeof decoded === "object" && decoded !== null ? Reflect.get(decoded, "v") : undefined;
  if (version === 1) return decoded as ScheduleRule;
  if (typeof version === "number" && version > 1) {
    throw new SchedulerError(
      "LAYOUT_NEWER",
      `a schedule in the store is defined in version ${version}; this library reads version 1`,
      { fix: "update schedule-mq here, too" },
    );
  }
  throw new SchedulerError("STORE_DAMAGED", "a schedule in the store is not a definition", {
    fix: "see which program writes to this store beside schedule-mq",
  });
}

/** 16 digits of hex: two definitions with the same digest are one. SHA-256, cut. */
export function digestOf(...texts: string[]): string {
  const hash = createHash("sha256");
  for (const text of texts) hash.update(`${text.length}:`).update(text);
  return hash.digest("hex").slice(0, 16);
}

/** FNV-1a, 32 bits, of the text in UTF-8. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** How much later than their instants the occurrences of a schedule are due, ms. */
export function jitterOf(scheduleId: string, rule: Pick<ScheduleRule, "jitterMs">): number {
  return Math.floor((fnv1a(scheduleId) / 2 ** 32) * (rule.jitterMs ?? 0));
}
