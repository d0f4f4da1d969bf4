/** `scheduler.jobs`: one job, a page of jobs, how many; cancel and redrive. */

import { attemptOf } from "./core/job.js";
import type { KeepRules } from "./core/keep.js";
import { checkJobId, checkList, checkTaskId, type TaskValidators } from "./core/options.js";
import { decodePayload } from "./core/payload.js";
import type { JobRef, JobView, Store } from "./store/contract.js";
import type {
  CancelResult,
  JobCountsInfo,
  JobInfo,
  JobList,
  Jobs,
  RedriveResult,
} from "./types.js";

export interface JobsParts {
  store: Store;
  keep: KeepRules;
  validators: TaskValidators;
  /** Makes a promise safe to drop. */
  guard: <T>(promise: Promise<T>) => Promise<T>;
}

export function createJobs(parts: JobsParts): Jobs {
  const { store, keep, guard } = parts;
  const context = { tasks: parts.validators };
  const refOf = (taskId: unknown, id: unknown, verb: string): JobRef => {
    const where = `jobs.${verb}()`;
    return { taskId: checkTaskId(taskId, where, context), id: checkJobId(id, where), keep };
  };
  return {
    get: (taskId: unknown, id: unknown) => guard(get(store, () => refOf(taskId, id, "get"))),
    cancel: (taskId: unknown, id: unknown) =>
      guard(cancel(store, () => refOf(taskId, id, "cancel"))),
    redrive: (taskId: unknown, id: unknown) =>
      guard(redrive(store, () => refOf(taskId, id, "redrive"))),
    list: (taskId: unknown, options: unknown) =>
      guard(list(store, () => checkList(taskId, options, context))),
    counts: (taskId: unknown) =>
      guard(counts(store, () => checkTaskId(taskId, "jobs.counts()", context))),
  };
}

// Arguments come as functions, so that a mistake in them is a rejection, never a throw.

async function get(store: Store, ref: () => JobRef): Promise<JobInfo | null> {
  const view = await store.get(ref());
  return view === null ? null : infoOf(view);
}

async function cancel(store: Store, ref: () => JobRef): Promise<CancelResult | null> {
  return store.cancel(ref());
}

async function redrive(store: Store, ref: () => JobRef): Promise<RedriveResult | null> {
  return store.redrive(ref());
}

async function list(store: Store, checked: () => ReturnType<typeof checkList>): Promise<JobList> {
  const page = await store.list(checked());
  return { jobs: page.jobs.map(infoOf), cursor: page.cursor };
}

async function counts(store: Store, taskId: () => string): Promise<JobCountsInfo> {
  return store.counts({ taskId: taskId() });
}

function infoOf(view: JobView): JobInfo {
  const { failures, crashes, handOffs } = view.counts;
  return {
    id: view.id,
    taskId: view.taskId,
    state: view.state,
    data: decodePayload(view.payload),
    attempt: attemptOf(view.counts),
    failures,
    crashes,
    handOffs,
    priority: view.rules.priority,
    pushedAt: view.pushedAt,
    dueAt: view.dueAt,
    leaseEndsAt: view.leaseEndsAt,
    fence: view.fence === null ? null : Number(view.fence),
    cancelling: view.cancelling,
    progress: parsed(view.progress),
    endedAt: view.endedAt,
    reason: view.reason,
    error: view.error,
    result: parsed(view.result),
    scheduleId: view.occurrence?.scheduleId ?? null,
    scheduledFor: view.occurrence?.scheduledFor ?? null,
    isCatchup: view.occurrence?.isCatchup ?? false,
    missedCount: view.occurrence?.missedCount ?? 0,
  };
}

function parsed(text: string | null): unknown {
  return text === null || text === "" ? null : decodePayload(text);
}
