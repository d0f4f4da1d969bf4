/**
 * `scheduler.repair()`: mends the records of whole tasks at once, piece by piece. Apart from
 * `doctor()`, which changes nothing and so can be asked by anybody at any time.
 */
import { checkRepair, type TaskValidators } from "./core/options.js";
import type { MendKind, Store } from "./store/contract.js";
import type { RepairReport } from "./types.js";

export interface RepairParts {
  store: Store;
  validators: TaskValidators;
  /** Bound or registered here. */
  ownTaskIds: () => readonly string[];
  guard: <T>(promise: Promise<T>) => Promise<T>;
}

export function createRepair(parts: RepairParts): (options?: unknown) => Promise<RepairReport> {
  return (options) => parts.guard(repair(parts, options));
}

async function repair(parts: RepairParts, options: unknown): Promise<RepairReport> {
  const { store, ownTaskIds } = parts;
  const checked = checkRepair(options, { tasks: parts.validators });
  const tasks = checked.tasks ?? [...new Set(ownTaskIds())];
  // The index of schedules is walked by a scheduler that has no other walk under way.
  for (let more = true; more; ) ({ more } = await store.tend({ urgent: true }));
  const mended: RepairReport["mended"] = [];
  for (const taskId of tasks) {
    const counts = await mendTask(store, taskId);
    for (const [kind, count] of counts) mended.push({ taskId, kind, count });
  }
  return { tasks, mended };
}

async function mendTask(store: Store, taskId: string): Promise<Map<MendKind, number>> {
  const counts = new Map<MendKind, number>();
  let place = "";
  do {
    const answer = await store.mend({ taskId, urgent: true, place });
    for (const [kind, n] of Object.entries(answer.mended) as [MendKind, number][]) {
      counts.set(kind, (counts.get(kind) ?? 0) + n);
    }
    place = answer.place;
  } while (place !== "");
  return counts;
}
