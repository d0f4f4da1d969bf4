/**
 * Handlers that return no promise. Their attempts end in one microtask for all of them, instead of
 * a promise and two functions for each; and not at once, since whoever begins several would hear of
 * ends between two of them.
 */
import { Line } from "./line.js";

/** What has returned. */
export interface Returning {
  /** Ends as it has returned. */
  endReturned(): void;
}

const returned = new Line<Returning>();
let isSoon = false;

/** Its end comes when the code that runs now is through. */
export function endsSoon(attempt: Returning): void {
  returned.add(attempt);
  if (isSoon) return;
  isSoon = true;
  queueMicrotask(endAll);
}

/** Those, too, that are begun by an end and return at once. */
function endAll(): void {
  try {
    for (let one = returned.take(); one !== undefined; one = returned.take()) one.endReturned();
  } finally {
    // Left is something only if an end has thrown: that is its own, and not that of the others.
    isSoon = returned.length > 0;
    if (isSoon) queueMicrotask(endAll);
  }
}

/** True: it may be a promise, or what counts as one. */
export function mayBePromise(value: unknown): boolean {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}
