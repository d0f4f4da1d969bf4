/** Schedules by hand: pause, resume, remove; and recover, which tells what is decided already. */
import type { Decided, PauseArgs, RemoveAnswer, RemoveArgs } from "../../contract.js";
import type { Scope } from "../scope.js";
import { forgetBuffered } from "./buffer.js";
import { forgetLedger } from "./ledger.js";
import { Registrants } from "./registrants.js";
import { isPaused, isRegistered, noticeWake, pauseOf, readSchedule, saveState } from "./row.js";

export function pause(scope: Scope, args: PauseArgs): { revision: number } | null {
  const row = readSchedule(scope, args.scheduleId);
  if (row === null || (args.revision !== null && args.revision !== row.revision)) return null;
  const { now } = scope;
  const old = pauseOf(row);
  if (args.pause !== null) {
    const { until, reason, orphaned } = args.pause;
    row.pause = JSON.stringify({ at: old?.at ?? now, until, reason, orphaned });
  } else if (isPaused(old, now)) {
    row.pause = JSON.stringify({ ...old, until: now });
  } else {
    return { revision: row.revision };
  }
  row.revision += 1;
  saveState(scope, row);
  noticeWake(scope, row);
  return { revision: row.revision };
}

export function remove(scope: Scope, args: RemoveArgs): RemoveAnswer {
  const row = readSchedule(scope, args.scheduleId);
  if (row === null) return "unknown";
  if (row.code === 1 && isRegistered(row, new Registrants(scope))) return "live";
  if (args.revision !== null && args.revision !== row.revision) return "changed";
  const { tx } = scope;
  forgetLedger(scope, row.number);
  forgetBuffered(scope, row.number);
  tx.run("UPDATE job SET schedule = NULL WHERE schedule = ?", row.number);
  tx.run("DELETE FROM schedule WHERE number = ?", row.number);
  return "removed";
}

export function recover(scope: Scope, { decided }: { decided: readonly Decided[] }): string[] {
  const unknown: string[] = [];
  for (const { scheduleId, decidedAt, nextAt, digest } of decided) {
    const row = readSchedule(scope, scheduleId);
    if (row === null) {
      unknown.push(scheduleId);
      continue;
    }
    const before = { decidedAt: row.decided_at, nextAt: row.next_at };
    row.decided_at = Math.max(row.decided_at, decidedAt);
    // Under another definition the cursor stays behind: who plans goes on after what is decided.
    const isSame = row.digest === digest;
    const isBehind = isSame && row.next_at !== null && row.next_at <= row.decided_at;
    if (isBehind && (nextAt === null || nextAt > row.decided_at)) row.next_at = nextAt;
    if (row.decided_at === before.decidedAt && row.next_at === before.nextAt) continue;
    saveState(scope, row);
    noticeWake(scope, row);
  }
  return unknown;
}
