/** The ledger of a schedule: what became of its occurrences; the oldest rows leave first. */
import {
  entryAt,
  type FiredEntry,
  INSTANCE_LENGTH,
  isSameRow,
  type LedgerEntry,
  MOST_FIRED,
  MOST_PASSED,
  type PassedEntry,
} from "../../../src/core/schedule/ledger.js";
import type { Passing } from "../../../src/core/schedule/outcome.js";
import { type Scope, sortedBy } from "../scope.js";
import type { Schedule } from "../state.js";

export function addFired(
  scope: Scope,
  schedule: Schedule,
  fired: Pick<FiredEntry, "scheduledFor" | "how" | "jobId">,
): void {
  const { now: firedAt } = scope;
  schedule.ledger.push({ kind: "fired", ...fired, firedAt, instance: instanceOf(scope) });
  trim(schedule, "fired", MOST_FIRED);
}

/** Neighbours that were given up for the same reason share a row. */
export function addPassed(
  scope: Scope,
  schedule: Schedule,
  { reason, from, to, count }: Pick<Passing, "reason" | "from" | "to" | "count">,
): void {
  const { now: decidedAt } = scope;
  const instance = instanceOf(scope);
  const last = schedule.ledger.filter((entry) => entry.kind === "passed").at(-1);
  if (last !== undefined && isSameRow(last, { reason, from }, lastFiredAt(schedule))) {
    Object.assign(last, { to, count: last.count + count, decidedAt, instance });
    return;
  }
  const entry: PassedEntry = { kind: "passed", reason, from, to, count, decidedAt, instance };
  schedule.ledger.push(entry);
  trim(schedule, "passed", MOST_PASSED);
}

/** In the order of the instants. */
export function ledgerOf({ ledger }: Schedule): LedgerEntry[] {
  return sortedBy(ledger, (entry) => [entryAt(entry)]).map((entry) => ({ ...entry }));
}

function lastFiredAt({ ledger }: Schedule): number {
  const fired = ledger.flatMap((entry) => (entry.kind === "fired" ? [entry.scheduledFor] : []));
  return Math.max(Number.NEGATIVE_INFINITY, ...fired);
}

function trim(schedule: Schedule, kind: LedgerEntry["kind"], most: number): void {
  const ofKind = schedule.ledger.filter((entry) => entry.kind === kind);
  if (ofKind.length <= most) return;
  const [oldest] = ofKind;
  schedule.ledger = schedule.ledger.filter((entry) => entry !== oldest);
}

function instanceOf({ identity }: Scope): string {
  return identity.slice(0, INSTANCE_LENGTH);
}
