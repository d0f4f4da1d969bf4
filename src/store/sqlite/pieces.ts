/**
 * Verbs that are a series of steps: each step is a transaction of its own, and holds the event loop
 * and the file only for a moment.
 */
import type {
  Decided,
  JobPage,
  JobView,
  ListArgs,
  PruneArgs,
  RenewArgs,
  Renewed,
  SchedulePage,
  SchedulesArgs,
  ScheduleView,
} from "../contract.js";
import type { Mode } from "./connection.js";
import { renew } from "./leases.js";
import { listJobs } from "./list.js";
import { prune } from "./prune.js";
import { recover } from "./schedules/manage.js";
import { schedules } from "./schedules/show.js";
import type { Scope } from "./scope.js";

/** Of the steps of a series, in jobs. */
export const STEP_WEIGHT = 100;

const MOST_DECIDED = 50;
const MOST_LISTED = 250;
const MOST_RENEWED = 1_000;
const MOST_SHOWN = 50;

/** Runs a step in a transaction. */
export type Run = <T>(mode: Mode, step: (scope: Scope) => T) => Promise<T>;

export async function pruneInPieces(run: Run, args: PruneArgs): Promise<boolean> {
  let isAnyMore = false;
  for (let from = 0; from === 0 || from < args.taskIds.length; ) {
    const { next, isMore } = await run("hint", (scope) => prune(scope, { ...args, from }));
    isAnyMore ||= isMore;
    from = Math.max(next, 1);
  }
  return isAnyMore;
}

/** A power cut ends the owner of a lease, too: that it was renewed need not be on the disk. */
export async function renewInPieces(run: Run, args: RenewArgs): Promise<Renewed> {
  const renewed: Renewed = { lost: [], cancelled: [] };
  for (let at = 0; at === 0 || at < args.leases.length; at += MOST_RENEWED) {
    const leases = args.leases.slice(at, at + MOST_RENEWED);
    const fences = new Set(leases.map(({ fence }) => fence));
    const isOfThese = ({ fence }: { fence?: string }) => fence === undefined || fences.has(fence);
    const piece = { leases, progress: args.progress.filter(isOfThese) };
    const part = await run("hint", (scope) => renew(scope, piece));
    renewed.lost.push(...part.lost);
    renewed.cancelled.push(...part.cancelled);
  }
  return renewed;
}

export async function recoverInPieces(run: Run, decided: readonly Decided[]): Promise<string[]> {
  const unknown: string[] = [];
  for (let at = 0; at < decided.length; at += MOST_DECIDED) {
    const piece = { decided: decided.slice(at, at + MOST_DECIDED) };
    unknown.push(...(await run("durable", (scope) => recover(scope, piece))));
  }
  return unknown;
}

export async function listInPieces(run: Run, args: ListArgs): Promise<JobPage> {
  const jobs: JobView[] = [];
  for (let { cursor } = args; ; ) {
    const piece = { ...args, cursor, limit: Math.min(args.limit - jobs.length, MOST_LISTED) };
    const page = await run("read", (scope) => listJobs(scope, piece));
    jobs.push(...page.jobs);
    cursor = page.cursor;
    if (cursor === null || jobs.length >= args.limit) return { jobs, cursor };
  }
}

export async function schedulesInPieces(run: Run, args: SchedulesArgs): Promise<SchedulePage> {
  const views: ScheduleView[] = [];
  for (let { cursor } = args; ; ) {
    const piece = { ...args, cursor, limit: Math.min(args.limit - views.length, MOST_SHOWN) };
    const page = await run("read", (scope) => schedules(scope, piece));
    views.push(...page.schedules);
    cursor = page.cursor;
    if (cursor === null || views.length >= args.limit) return { ...page, schedules: views };
  }
}
