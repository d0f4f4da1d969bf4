/** Schedules by hand and as they are shown: pause, remove, recover, schedule, schedules, tend. */
import { ofNoPage } from "../../../src/core/errors.js";
import type {
  Decided,
  DueSchedule,
  PauseArgs,
  RemoveAnswer,
  RemoveArgs,
  ScheduleDetail,
  SchedulePage,
  SchedulesArgs,
  ScheduleView,
  TendArgs,
  Tended,
} from "../../../src/store/contract.js";
import { publicId, type Scope } from "../scope.js";
import type { Schedule } from "../state.js";
import { leaveJobs, openJobs } from "./arrivals.js";
import { ledgerOf } from "./ledger.js";
import { dueScheduleOf, isPaused, isRegistered, noticeWake, registeredUntilOf } from "./row.js";

const MOST_OPEN = 1_000;
const PIECE = 100;
const PIECE_EVERY_MS = 50_000;

/** Who has not registered for so long is missing. */
const MISSING_MS = 60_000;

export function pause(scope: Scope, args: PauseArgs): { revision: number } | null {
  const { state, now } = scope;
  const schedule = state.schedules.get(args.scheduleId);
  if (schedule === undefined) return null;
  if (args.revision !== null && args.revision !== schedule.revision) return null;
  const old = schedule.pause;
  if (args.pause !== null) schedule.pause = { at: old?.at ?? now, ...args.pause };
  else if (old !== null && isPaused(old, now)) schedule.pause = { ...old, until: now };
  else return { revision: schedule.revision };
  schedule.revision += 1;
  noticeWake(scope, schedule);
  return { revision: schedule.revision };
}

export function remove(scope: Scope, { scheduleId, revision }: RemoveArgs): RemoveAnswer {
  const schedule = scope.state.schedules.get(scheduleId);
  if (schedule === undefined) return "unknown";
  if (schedule.code && isRegistered(scope, schedule)) return "live";
  if (revision !== null && revision !== schedule.revision) return "changed";
  leaveJobs(scope, schedule);
  scope.state.schedules.delete(scheduleId);
  return "removed";
}

export function recover(scope: Scope, { decided }: { decided: readonly Decided[] }): string[] {
  return decided.flatMap((told) => {
    const schedule = scope.state.schedules.get(told.scheduleId);
    if (schedule === undefined) return [told.scheduleId];
    const before = [schedule.decidedAt, schedule.nextAt];
    schedule.decidedAt = Math.max(schedule.decidedAt, told.decidedAt);
    const { nextAt, decidedAt } = schedule;
    // under another definition the cursor stays behind: who plans goes on after what is decided
    const isBehind = schedule.digest === told.digest && nextAt !== null && nextAt <= decidedAt;
    if (isBehind && (told.nextAt === null || told.nextAt > decidedAt)) {
      schedule.nextAt = told.nextAt;
    }
    if (schedule.decidedAt !== before[0] || schedule.nextAt !== before[1]) {
      noticeWake(scope, schedule);
    }
    return [];
  });
}

export function schedule(
  scope: Scope,
  { scheduleId }: { scheduleId: string },
): ScheduleDetail | null {
  const found = scope.state.schedules.get(scheduleId);
  if (found === undefined) return null;
  return { ...viewOf(scope, found), ledger: ledgerOf(found), now: scope.now };
}

export function schedules(scope: Scope, { taskId, cursor, limit }: SchedulesArgs): SchedulePage {
  const after = cursor === null ? null : parseCursor(cursor);
  const left = byId(scope)
    .filter((each) => taskId === null || each.taskId === taskId)
    .filter(({ id }) => after === null || isBefore(after, id));
  const page = left.slice(0, limit);
  const last = page.at(-1);
  return {
    schedules: page.map((each) => viewOf(scope, each)),
    cursor: left.length > limit && last !== undefined ? JSON.stringify([last.id]) : null,
    now: scope.now,
  };
}

function byId({ state }: Scope): Schedule[] {
  return [...state.schedules.values()].sort((a, b) => (isBefore(a.id, b.id) ? -1 : 1));
}

/** In the order of their bytes in UTF-8. */
function isBefore(a: string, b: string): boolean {
  return Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
}

function parseCursor(cursor: string): string {
  try {
    const decoded: unknown = JSON.parse(cursor);
    if (Array.isArray(decoded) && typeof decoded[0] === "string") return decoded[0];
  } catch {
    // refused below
  }
  throw ofNoPage(cursor);
}

function viewOf(scope: Scope, each: Schedule): ScheduleView {
  const { payload, rules, overlap, generation, digest } = each;
  const open = openJobs(scope, each).sort((a, b) => a.number - b.number);
  return {
    ...dueScheduleOf(scope, each),
    ...{ payload, rules, overlap, generation, digest },
    open: open.slice(0, MOST_OPEN).map(publicId),
    buffered: each.buffered.map(({ scheduledFor }) => scheduledFor),
  };
}

/** There is no index here that could be wrong: this only names the doubtful ones. */
export function tend(scope: Scope, { urgent }: TendArgs): Tended {
  const { state, now } = scope;
  const sinceMs = now - state.tendedAt;
  const doubtful: DueSchedule[] = [];
  if (!urgent && sinceMs >= 0 && sinceMs < PIECE_EVERY_MS) return { doubtful, more: false, now };
  const place = urgent ? "mendedTo" : "tendedTo";
  const left = byId(scope).filter(({ id }) => isBefore(state[place], id));
  const piece = left.slice(0, PIECE);
  for (const each of piece) if (isDoubtful(scope, each)) doubtful.push(dueScheduleOf(scope, each));
  const last = piece.length < PIECE ? undefined : piece.at(-1);
  state[place] = last?.id ?? "";
  if (!urgent) state.tendedAt = now;
  return { doubtful, more: urgent && last !== undefined, now };
}

function isDoubtful(scope: Scope, each: Schedule): boolean {
  if (!each.code) return false;
  if (each.pause?.orphaned === true && isPaused(each.pause, scope.now)) return false;
  return registeredUntilOf(scope, each) < scope.now - MISSING_MS;
}
