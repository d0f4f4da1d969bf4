/**
 * Bugs that are planted on purpose, in the model and in the statements of the SQLite store. Each
 * drops one check that a promise rests on: a simulation that does not notice is worth nothing.
 */
import type { Settle, WorkArgs } from "../../src/store/contract.js";
import { type AnswerOf, type ArgsOf, type Caller, Model, type Verb } from "../model/model.js";
import type { Job, State } from "../model/state.js";
import type { BackendMaker } from "./backend.js";
import { modelBackend } from "./model-backend.js";
import type { Kind } from "./seeds.js";
import { sqliteBackend } from "./sqlite-backend.js";

export interface Mutant {
  /** What is missing. */
  name: string;
  kind: Kind;
  backend: () => Promise<BackendMaker>;
  /** The invariants of which one has to break. */
  breaks: readonly string[];
  /** How often the place was met: a bug that was never planted is found by nobody. */
  planted: () => number;
}

/** Does something to the state before a step sees it. True: it has changed something. */
type Plant = (state: State, verb: Verb, args: unknown) => boolean;

export const mutants = (): Mutant[] => [
  ofModel("the fence check of a settle", ["I6"], (state, verb, args) => {
    return changes(settled(state, verb, args), ([settle, job]) => {
      const fence = digits(job.fence ?? 0);
      if (job.state !== "running" || settle.fence === fence) return false;
      settle.fence = fence;
      return true;
    });
  }),
  ofModel("the lease of a settle", ["I6"], (state, verb, args) => {
    return changes(settled(state, verb, args), ([settle, job]) => {
      return (job.state === "ready" || job.state === "scheduled") && giveLease(state, job, settle);
    });
  }),
  ofModel("the high-water mark of schedules", ["I7"], (state, verb) => {
    if (verb !== "fire" && verb !== "register") return false;
    return changes(state.schedules.values(), (schedule) => {
      const wasDecided = schedule.decidedAt !== 0;
      schedule.decidedAt = 0;
      return wasDecided;
    });
  }),
  ofSqlite("the fence check of a settle", ["I6"], {
    find: "AND state = 4 AND fence = ? AND cancelling",
    put: "AND state = 4 AND ? IS NOT NULL AND cancelling",
  }),
  ofSqlite("the lease of a settle", ["I6"], {
    find: "AND state = 4 AND fence = ? AND cancelling",
    put: "AND state < 5 AND ? IS NOT NULL AND cancelling",
  }),
  ofSqlite("the high-water mark of schedules", ["I7"], {
    find: "decided_at = ?, fired_count",
    put: "decided_at = 0 * ?, fired_count",
  }),
  ofSqlite("the grace after an outage", ["I5"], {
    find: "AND ends_at <= ? AND length_ms <= ?",
    put: "AND ends_at <= ? AND ? IS NOT NULL",
  }),
  ofSqlite("the time for which an id is remembered", ["I1"], {
    find: "ended_at = ?, keep_until = ? WHERE task",
    put: "ended_at = ?, keep_until = 0 * ? WHERE task",
  }),
  ofSqlite("a hand-back that costs no attempt", ["I3"], {
    find: "hand_offs = hand_offs + 1",
    put: "hand_offs = hand_offs + 1, failures = failures + 1",
  }),
  ofSqlite("the removal of a schedule", ["I7", "I13"], {
    find: "DELETE FROM schedule WHERE",
    put: "DELETE FROM schedule WHERE 0 AND",
  }),
];

function ofModel(name: string, breaks: readonly string[], plant: Plant): Mutant {
  let planted = 0;
  class Wrong extends Model {
    override apply<V extends Verb>(caller: Caller, verb: V, args: ArgsOf<V>) {
      const own = structuredClone(args);
      if (plant(this.state as State, verb, own)) planted += 1;
      return super.apply(caller, verb, own) as { answer: AnswerOf<V> } & ReturnType<Model["apply"]>;
    }
  }
  const backend = async () => modelBackend((clock) => new Wrong(clock));
  return { name, kind: "model", backend, breaks, planted: () => planted };
}

function ofSqlite(
  name: string,
  breaks: readonly string[],
  { find, put }: { find: string; put: string },
): Mutant {
  let planted = 0;
  const rewrite = (sql: string): string => {
    const flat = sql.replace(/\s+/g, " ");
    if (!flat.includes(find)) return sql;
    planted += 1;
    return flat.replace(find, put);
  };
  const backend = () => sqliteBackend(rewrite);
  return { name, kind: "sqlite", backend, breaks, planted: () => planted };
}

/** Does it to all of them; true: some were changed. */
function changes<T>(all: Iterable<T>, change: (each: T) => boolean): boolean {
  let isChanged = false;
  for (const each of all) isChanged = change(each) || isChanged;
  return isChanged;
}

/** What a call settles, with the job of each. */
function settled(state: State, verb: Verb, args: unknown): [Settle, Job][] {
  if (verb !== "work") return [];
  const { settles } = args as WorkArgs;
  return settles.flatMap((settle): [Settle, Job][] => {
    const job = state.tasks.get(settle.taskId)?.jobs.get(Number(settle.number));
    return job === undefined ? [] : [[settle, job]];
  });
}

/** As if the lease had never been taken back. */
function giveLease(state: State, job: Job, settle: Settle): boolean {
  const fence = Number(settle.fence);
  const task = state.tasks.get(job.taskId);
  if (task === undefined || state.leases.has(fence)) return false;
  task.there[job.state] -= 1;
  task.there.running += 1;
  Object.assign(job, { state: "running", fence, dueAt: null });
  state.leases.set(fence, {
    ...{ fence, taskId: job.taskId, owner: "", endsAt: Number.MAX_SAFE_INTEGER, lengthMs: 1_000 },
    ...{ numbers: new Set([job.number]), isUnconfirmed: false },
  });
  return true;
}

function digits(fence: number): string {
  return String(fence).padStart(16, "0");
}
