/**
 * The new jobs of a transaction, written many rows to a statement: calling SQLite costs more than
 * the row. Whoever reads or changes jobs in the same transaction lets them be written before.
 */
import type { Connection } from "./connection.js";
import type { Value } from "./driver.js";

export interface NewRow {
  number: number;
  /** The row ids of the task, and of the schedule that its end concerns. */
  task: number;
  schedule: number | null;
  state: number;
  priority: number;
  place: number | null;
  dueAt: number | null;
  pushedAt: number;
  head: string;
  payload: string;
}

/** Rows per statement. Few sizes, so that each statement is prepared once and used again. */
const SIZES = [40, 8, 1] as const;

const COLUMNS = "number, task, state, priority, place, due_at, pushed_at, head, payload, schedule";

const STATEMENTS = SIZES.map((size) => {
  const row = `(${COLUMNS.replaceAll(/\w+/g, "?")})`;
  return { size, sql: `INSERT INTO job (${COLUMNS}) VALUES ${Array(size).fill(row).join(", ")}` };
});

export class Arrivals {
  #rows: NewRow[] = [];
  #bytes = 0;
  /** True from the first write until all are written: an error in between is no other step's. */
  isWriting = false;

  get isEmpty(): boolean {
    return this.#rows.length === 0;
  }

  add(row: NewRow): void {
    this.#rows.push(row);
    this.#bytes += row.payload.length + row.head.length;
  }

  write(connection: Connection): void {
    if (this.#rows.length === 0) return;
    this.isWriting = true;
    const rows = this.#rows;
    let from = 0;
    for (const { size, sql } of STATEMENTS) {
      for (; from + size <= rows.length; from += size) {
        connection.run(sql, ...valuesOf(rows, from, from + size));
      }
    }
    connection.checkpoints?.wrote(0, this.#bytes);
    this.#rows = [];
    this.#bytes = 0;
    this.isWriting = false;
  }
}

/** In the order of `COLUMNS`, row after row. */
function valuesOf(rows: readonly NewRow[], from: number, to: number): Value[] {
  const values: Value[] = [];
  for (let at = from; at < to; at += 1) {
    const row = rows[at] as NewRow;
    values.push(row.number, row.task, row.state, row.priority, row.place, row.dueAt);
    values.push(row.pushedAt, row.head, row.payload, row.schedule);
  }
  return values;
}
