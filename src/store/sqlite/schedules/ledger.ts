/** The ledger of a schedule: what became of its occurrences; the oldest rows leave first. */
import {
  entryAt,
  type FiredHow,
  INSTANCE_LENGTH,
  isSameRow,
  type LedgerEntry,
  MOST_FIRED,
  MOST_PASSED,
} from "../../../core/schedule/ledger.js";
import type { Passing, PassReason } from "../../../core/schedule/outcome.js";
import type { Scope } from "../scope.js";
import { fromStored, toStored } from "../text.js";

/** Not 0 and 1, so that a row says what it is to whoever looks into the file. */
const KIND = { fired: 2, passed: 3 } as const;

interface LedgerRow {
  place: number;
  kind: number;
  from_at: number;
  to_at: number;
  occurrences: number;
  decided_at: number;
  /** How it fired, or why it did not. */
  word: string;
  job_id: string | null;
  instance: string;
}

const COLUMNS = "place, kind, from_at, to_at, occurrences, decided_at, word, job_id, instance";

export function addFired(
  scope: Scope,
  schedule: number,
  fired: { scheduledFor: number; how: FiredHow; jobId: string },
): void {
  const { scheduledFor, how, jobId } = fired;
  insert(scope, schedule, {
    kind: KIND.fired,
    from_at: scheduledFor,
    to_at: scheduledFor,
    occurrences: 1,
    word: how,
    job_id: toStored(jobId),
  });
}

/** Neighbours that were given up for the same reason share a row. */
export function addPassed(
  scope: Scope,
  schedule: number,
  passed: Pick<Passing, "reason" | "from" | "to" | "count">,
): void {
  const { tx, now } = scope;
  const { reason, from, to, count } = passed;
  const last = tx.get<LedgerRow>(
    `SELECT ${COLUMNS} FROM ledger WHERE schedule = ? AND kind = ${KIND.passed}
     ORDER BY place DESC LIMIT 1`,
    schedule,
  );
  if (last !== undefined) {
    const row = { reason: last.word as PassReason, to: last.to_at };
    if (isSameRow(row, { reason, from }, lastFiredAt(scope, schedule))) {
      tx.run(
        `UPDATE ledger SET to_at = ?, occurrences = occurrences + ?, decided_at = ?, instance = ?
         WHERE place = ?`,
        ...[to, count, now, instanceOf(scope), last.place],
      );
      return;
    }
  }
  insert(scope, schedule, {
    kind: KIND.passed,
    from_at: from,
    to_at: to,
    occurrences: count,
    word: reason,
    job_id: null,
  });
}

/** In the order of the instants. */
export function ledgerOf({ tx }: Scope, schedule: number): LedgerEntry[] {
  const sql = `SELECT ${COLUMNS} FROM ledger WHERE schedule = ?`;
  const rows = tx.all<LedgerRow>(sql, schedule);
  rows.sort((a, b) => a.place - b.place);
  return rows.map(entryOf).sort((a, b) => entryAt(a) - entryAt(b));
}

export function forgetLedger({ tx }: Scope, schedule: number): void {
  tx.run("DELETE FROM ledger WHERE schedule = ?", schedule);
}

function lastFiredAt({ tx }: Scope, schedule: number): number {
  const row = tx.get<{ at: number | null }>(
    `SELECT max(from_at) AS at FROM ledger WHERE schedule = ? AND kind = ${KIND.fired}`,
    schedule,
  );
  return row?.at ?? Number.NEGATIVE_INFINITY;
}

function insert(
  scope: Scope,
  schedule: number,
  row: Omit<LedgerRow, "place" | "decided_at" | "instance">,
): void {
  const { tx, now } = scope;
  tx.run(
    `INSERT INTO ledger
       (schedule, kind, from_at, to_at, occurrences, decided_at, word, job_id, instance)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ...[schedule, row.kind, row.from_at, row.to_at, row.occurrences, now, row.word, row.job_id],
    instanceOf(scope),
  );
  tx.run(
    `DELETE FROM ledger WHERE schedule = ? AND kind = ? AND place <= (
       SELECT place FROM ledger WHERE schedule = ? AND kind = ?
       ORDER BY place DESC LIMIT 1 OFFSET ?)`,
    ...[schedule, row.kind, schedule, row.kind],
    row.kind === KIND.fired ? MOST_FIRED : MOST_PASSED,
  );
}

function entryOf(row: LedgerRow): LedgerEntry {
  const { from_at: from, to_at: to, decided_at: decidedAt, word, instance } = row;
  if (row.kind === KIND.fired) {
    const jobId = fromStored(row.job_id ?? "");
    const how = word as FiredHow;
    return { kind: "fired", scheduledFor: from, firedAt: decidedAt, how, jobId, instance };
  }
  const reason = word as PassReason;
  return { kind: "passed", reason, from, to, count: row.occurrences, decidedAt, instance };
}

function instanceOf({ identity }: Scope): string {
  return identity.slice(0, INSTANCE_LENGTH);
}
