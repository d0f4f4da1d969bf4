/**
 * Group commit: the steps of one turn of the event loop in one transaction. A step that throws is
 * taken out and refused alone; the others are run again from the beginning, which is safe because
 * a step has no effect but on its transaction.
 */
import type { Connection, Mode } from "./connection.js";
import { isBusy, isStoreFault } from "./faults.js";
import { chooseSleepers } from "./sleepers.js";
import { type AddressedWake, NEEDS_WRITE, Transaction } from "./transaction.js";

/** A step that waits for its transaction, and the caller who waits for its answer. */
export interface Item {
  owner: object | null;
  mode: Mode;
  step: (tx: Transaction) => unknown;
  resolve: (answer: never) => void;
  reject: (error: unknown) => void;
  /** When to give up waiting for the lock, by the monotonic clock. */
  deadline: number;
  /** How many jobs it may touch: what a transaction may take is bounded. */
  weight: number;
}

export type Outcome = { refused: Refusal[] } & Result;

interface Refusal {
  item: Item;
  error: unknown;
}

type Result =
  /** Committed; `again` must be run in a writing transaction. */
  | { kind: "done"; answers: Answer[]; again: Item[]; wakes: AddressedWake[] }
  /** Somebody else holds the lock; nothing happened to `items`. */
  | { kind: "busy"; items: Item[]; error: unknown }
  /** The file or the disk is at fault. */
  | { kind: "fault"; items: Item[]; error: unknown; isCommitting: boolean };

export interface Answer {
  item: Item;
  answer: unknown;
}

/** Steps on more jobs than this share no transaction, so that none holds the loop for long. */
const MOST_WEIGHT = 1_000;

/** How many steps from the front share the next transaction; at least one. */
export function shareOf(queue: readonly Item[]): number {
  let weight = 0;
  let steps = 0;
  for (const item of queue) {
    weight += item.weight;
    if (steps > 0 && weight > MOST_WEIGHT) break;
    steps += 1;
  }
  return steps;
}

export function runGroup(connection: Connection, items: Item[], process: string): Outcome {
  const refused: Refusal[] = [];
  let rest = items;
  let isGathering = true;
  for (;;) {
    const result = tryGroup(connection, rest, { process, isGathering });
    if (result.kind === "apart") {
      isGathering = false;
      continue;
    }
    if (result.kind !== "refused") return { ...result, refused };
    refused.push(result);
    rest = rest.filter((item) => item !== result.item);
  }
}

/** Runs a step that may as well not happen: nobody waits for it, and it waits for nobody. */
export function tryOnce(
  connection: Connection,
  step: (tx: Transaction) => void,
  process: string,
): void {
  const ignore = () => undefined;
  const who = { owner: null, resolve: ignore, reject: ignore, deadline: 0, weight: 1 };
  runGroup(connection, [{ ...who, mode: "hint", step }], process);
}

/** `apart`: a job of some step cannot be written; tell whose it is by writing each at once. */
type Tried = Result | ({ kind: "refused" } & Refusal) | { kind: "apart" };

function tryGroup(
  connection: Connection,
  items: Item[],
  { process, isGathering }: { process: string; isGathering: boolean },
): Tried {
  const answers: Answer[] = [];
  const again: Item[] = [];
  if (items.length === 0) return { kind: "done", answers, again, wakes: [] };
  const mode = strongestMode(items);
  let isCommitting = false;
  let current: Item | null = null;
  let tx: Transaction | null = null;
  try {
    connection.begin(mode);
    tx = new Transaction(connection, { isWriting: mode !== "read", isGathering });
    for (const item of items) {
      current = item;
      try {
        answers.push({ item, answer: item.step(tx) });
      } catch (error) {
        if (error !== NEEDS_WRITE) throw error;
        again.push(item);
      }
    }
    current = null;
    if (tx.isWriting) {
      chooseSleepers(tx, process);
      tx.save();
    }
    isCommitting = true;
    connection.commit();
    // a step that was broken off may have counted in rows that others would read as stored
    if (again.length > 0) connection.forgetRows();
    for (const run of tx.afterCommit) run();
    return { kind: "done", answers, again, wakes: tx.wakes };
  } catch (error) {
    connection.rollback();
    if (isBusy(error)) return { kind: "busy", items, error };
    if (isGathering && tx?.arrivals.isWriting && !isStoreFault(error)) return { kind: "apart" };
    if (current !== null && !isStoreFault(error)) return { kind: "refused", item: current, error };
    return { kind: "fault", items, error, isCommitting };
  }
}

function strongestMode(items: Item[]): Mode {
  if (items.some(({ mode }) => mode === "durable")) return "durable";
  return items.some(({ mode }) => mode === "hint") ? "hint" : "read";
}
