/**
 * `scheduler.schedules`: makes, changes, pauses and triggers schedules at run time, and says what
 * became of all of them.
 */
import type { Emitter } from "./core/events.js";
import type { KeepRules } from "./core/keep.js";
import {
  type CheckedRegister,
  checkBackfill,
  checkExplain,
  checkPause,
  checkPreview,
  checkScheduleRef,
  checkSchedulesList,
  checkTrigger,
  checkUpsert,
  type RegisterContext,
} from "./core/options.js";
import { decodeRule, explainAt, explainNow, type Previewed, preview } from "./core/schedule.js";
import { backfill } from "./schedules/backfill.js";
import { changedInfo } from "./schedules/changed.js";
import { scheduleUnknown } from "./schedules/errors.js";
import { functionOf } from "./schedules/function.js";
import { infoOf, ledgerInfoOf } from "./schedules/info.js";
import { planSchedules } from "./schedules/plan.js";
import { upsert } from "./schedules/upsert.js";
import { removeSchedule, triggerSchedule } from "./schedules/verbs.js";
import type { ScheduleDetail, Store } from "./store/contract.js";
import type { LedgerInfo, ScheduleInfo, ScheduleList, Schedules } from "./types.js";

export interface SchedulesParts {
  store: Store;
  emitter: Emitter;
  keep: KeepRules;
  context: RegisterContext;
  /** What this scheduler has registered. */
  registered: () => Iterable<CheckedRegister>;
  /** A schedule was changed: whoever runs here looks at once. */
  changed: () => void;
  sleep: (ms: number) => Promise<void>;
  /** Makes a promise safe to drop. */
  guard: <T>(promise: Promise<T>) => Promise<T>;
}

export function createSchedules(parts: SchedulesParts): Schedules {
  const { guard, context } = parts;
  // Arguments are checked inside of the promise, so that a mistake in them is a rejection.
  const later = <T>(run: () => Promise<T>): Promise<T> => guard(Promise.resolve().then(run));
  const ref = checkScheduleRef;
  return {
    upsert: ((taskId: unknown, options: unknown) =>
      later(() => upsert(parts, checkUpsert(taskId, options, context)))) as Schedules["upsert"],
    get: (id) => later(() => get(parts, ref(id, "get"))),
    list: (options) => later(() => list(parts, options)),
    remove: (id) => later(() => removeSchedule(parts, ref(id, "remove"))),
    pause: (id, options) =>
      later(() => pause(parts, ref(id, "pause"), { ...checkPause(options), orphaned: false })),
    resume: (id) => later(() => pause(parts, ref(id, "resume"), null)),
    trigger: (id, options) =>
      later(() =>
        triggerSchedule(parts, { scheduleId: ref(id, "trigger"), ...checkTrigger(options) }),
      ),
    backfill: (id, options) =>
      later(() => backfill(parts, { scheduleId: ref(id, "backfill"), ...checkBackfill(options) })),
    preview: (schedule, options) => later(() => previewOf(parts, schedule, options)),
    ledger: (id) => later(() => ledger(parts, ref(id, "ledger"))),
    explain: (id, at) => later(() => explain(parts, checkExplain(id, at))),
    plan: () => later(() => planSchedules(parts.store, parts.registered())),
  };
}

async function get(parts: SchedulesParts, scheduleId: string): Promise<ScheduleInfo | null> {
  const detail = await parts.store.schedule({ scheduleId });
  return detail === null ? null : infoOf(detail, detail.now, functionOf(parts, detail));
}

async function list(parts: SchedulesParts, options: unknown): Promise<ScheduleList> {
  const page = await parts.store.schedules(checkSchedulesList(options, parts.context));
  const schedules = page.schedules.map((view) => infoOf(view, page.now, functionOf(parts, view)));
  return { schedules, cursor: page.cursor };
}

async function pause(
  parts: SchedulesParts,
  scheduleId: string,
  change: { until: number | null; reason: string; orphaned: boolean } | null,
): Promise<ScheduleInfo> {
  const call = change === null ? "resume" : "pause";
  const done = await parts.store.pause({ scheduleId, pause: change, revision: null });
  if (done === null) throw scheduleUnknown(scheduleId, call);
  parts.changed();
  return await changedInfo(parts, { scheduleId, call });
}

async function ledger(parts: SchedulesParts, scheduleId: string): Promise<LedgerInfo[]> {
  return (await needed(parts, scheduleId, "ledger")).ledger.map(ledgerInfoOf);
}

async function explain(
  parts: SchedulesParts,
  { scheduleId, at }: { scheduleId: string; at: number | null },
): Promise<string> {
  const detail = await needed(parts, scheduleId, "explain");
  const excludes = functionOf(parts, detail);
  const explained = { ...detail, rule: decodeRule(detail.definition), excludes };
  return at === null ? explainNow(explained) : explainAt(explained, at);
}

async function previewOf(
  parts: SchedulesParts,
  schedule: unknown,
  options: unknown,
): Promise<Previewed[]> {
  const { what, count, from } = checkPreview(schedule, options, parts.context);
  if ("scheduleId" in what) {
    const detail = await needed(parts, what.scheduleId, "preview");
    const excludes = functionOf(parts, detail);
    const rule = decodeRule(detail.definition);
    return preview(rule, { count, from: from ?? detail.now, excludes });
  }
  const start = from ?? (await storeNow(parts.store));
  return preview(what.rule, { count, from: start, excludes: what.excludes });
}

async function storeNow(store: Store): Promise<number> {
  return (await store.schedules({ taskId: null, cursor: null, limit: 1 })).now;
}

async function needed(
  { store }: SchedulesParts,
  scheduleId: string,
  call: string,
): Promise<ScheduleDetail> {
  const detail = await store.schedule({ scheduleId });
  if (detail === null) throw scheduleUnknown(scheduleId, call);
  return detail;
}
