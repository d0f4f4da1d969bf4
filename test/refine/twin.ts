/**
 * A store and its model, asked the same. After each step both must have answered the same and must
 * show the same: every job in its list, every counter, every schedule with its ledger.
 */
import { JOB_STATES, type JobState } from "../../src/core/job.js";
import type {
  JobPage,
  JobView,
  Look,
  ScheduleView,
  Store,
  WorkAnswer,
} from "../../src/store/contract.js";
import { type AnswerOf, type ArgsOf, type Caller, Model, type Verb } from "../model/model.js";
import { sortedBy } from "../model/scope.js";
import type { Job } from "../model/state.js";
import { Twins } from "./same.js";
import { SCHEDULES, TASKS } from "./steps.js";
import type { MakeSubject, Subject } from "./worlds.js";

/** 2026-01-01T00:00:00Z; any instant would do. */
const BEGINNING_AT = 1_767_225_600_000;

export const IDENTITIES = ["a", "b", "c"].map((letter) => letter.repeat(20));

const PAGE = 50;

/** What the store said or shows otherwise than the model. */
export class Difference extends Error {
  constructor(where: string, differences: readonly string[]) {
    super(`${where}:\n  ${differences.slice(0, 8).join("\n  ")}`);
    this.name = "Difference";
  }
}

export class Twin {
  readonly model: Model;
  readonly #subject: Subject;
  readonly #callers: Caller[];
  readonly #twins = new Twins();
  #now = BEGINNING_AT;

  private constructor(subject: Subject) {
    this.#subject = subject;
    this.model = new Model({ now: () => this.#now });
    this.#callers = IDENTITIES.map((identity) => ({ identity, dataKey: null }));
  }

  static async begin(make: MakeSubject): Promise<Twin> {
    return new Twin(await make(BEGINNING_AT, IDENTITIES));
  }

  get now(): number {
    return this.#now;
  }

  async setNow(now: number): Promise<void> {
    // a store may read them from numbers, which do not go back with the clock
    if (now < this.#now) for (const field of ["pushedAt", "firedAt"]) this.#twins.free.add(field);
    this.#now = now;
    await this.#subject.setNow(now);
  }

  /** Asks both, the store in its own numbers; answers what the model said. */
  async ask<V extends Verb>(by: number, verb: V, args: ArgsOf<V>): Promise<AnswerOf<V>> {
    const caller = this.#callers[by] as Caller;
    const { answer, dataKey } = this.model.apply(caller, verb, args);
    caller.dataKey = dataKey;
    const wrong = this.model.invariants();
    if (wrong.length > 0) throw new Difference(`the model itself, after ${verb}`, wrong);
    const real = await this.#real(by, verb, this.#twins.toReal(args));
    this.#compare(shapeOf(verb, answer), shapeOf(verb, real), verb);
    return answer;
  }

  /** Looks at everything there is to see. */
  async see(): Promise<void> {
    const lists = TASKS.flatMap((taskId) => JOB_STATES.map((state) => ({ taskId, state })));
    await Promise.all([
      ...TASKS.map((taskId) => this.ask(1, "counts", { taskId })),
      ...lists.map(async ({ taskId, state }) => {
        const real = await this.#list(taskId, state);
        if (state === "ready") this.#followLine(taskId, real);
        this.#compare(this.#modelList(taskId, state), real, `${state} jobs of ${taskId}`);
      }),
      this.ask(1, "schedules", { taskId: null, cursor: null, limit: 50 }),
      ...SCHEDULES.map((scheduleId) => this.ask(1, "schedule", { scheduleId })),
    ]);
  }

  close(): Promise<void> {
    return this.#subject.close();
  }

  #real<V extends Verb>(by: number, verb: V, args: ArgsOf<V>): Promise<AnswerOf<V>> {
    const store = this.#subject.stores[by] as Store;
    const verbs = store as unknown as Record<V, (given: ArgsOf<V>) => Promise<AnswerOf<V>>>;
    return verbs[verb](args);
  }

  #compare(model: unknown, real: unknown, where: string): void {
    const differences = this.#twins.differences(model, real, where);
    if (differences.length > 0) throw new Difference(where, differences);
  }

  /** All pages; what runs has no order that the contract promises. */
  async #list(taskId: string, state: JobState): Promise<JobView[]> {
    const jobs: JobView[] = [];
    let cursor: string | null = null;
    do {
      const page: JobPage = await this.#real(1, "list", { taskId, state, cursor, limit: PAGE });
      jobs.push(...page.jobs);
      cursor = page.cursor;
    } while (cursor !== null);
    return inOrder(state, jobs);
  }

  #modelList(taskId: string, state: JobState): JobView[] {
    const args = { taskId, state, cursor: null, limit: 10_000 };
    const { answer } = this.model.apply(this.#callers[1] as Caller, "list", args);
    return inOrder(state, answer.jobs);
  }

  /**
   * Jobs that were handed back stand in front of all others of their priority; among themselves the
   * contract promises no order, so the model takes the store's. The same for those that run alone,
   * whatever their priority.
   */
  #followLine(taskId: string, real: readonly JobView[]): void {
    const jobs = this.model.state.tasks.get(taskId)?.jobs ?? new Map<number, Job>();
    const line = real.flatMap(({ number }) => {
      const job = jobs.get(this.#twins.modelNumber(number) ?? -1);
      return job?.state === "ready" && (job.alone || (job.place ?? 0) < 0) ? [job] : [];
    });
    const groups = new Map<string, Job[]>();
    for (const job of line) {
      const group = job.alone ? "alone" : `${job.rules.priority}`;
      groups.set(group, [...(groups.get(group) ?? []), job]);
    }
    for (const group of groups.values()) {
      const places = sortedBy(group, ({ place }) => [place ?? 0]).map(({ place }) => place);
      for (const [n, job] of group.entries()) job.place = places[n] ?? null;
    }
  }
}

function inOrder(state: JobState, jobs: readonly JobView[]): JobView[] {
  return state === "running" ? sortedBy(jobs, ({ number }) => [Number(number)]) : [...jobs];
}

/** An answer without what the contract leaves open. */
function shapeOf<V extends Verb>(verb: V, answer: AnswerOf<V>): unknown {
  if (verb === "look") {
    const { schedules, expired, taskIds, complete, registrations, now } = answer as Look;
    return {
      ...{ taskIds, complete, registrations, now },
      // several that are due at the same instant have no order
      schedules: byId(schedules),
      expired: sortedBy(expired, ({ fence }) => [Number(fence)]),
    };
  }
  if (verb === "work") {
    // `more` may be said of jobs that turn out to be gone
    const { settled, batches, drain } = answer as WorkAnswer;
    return { settled, batches, drain };
  }
  if (verb === "tend") {
    const { doubtful, ...rest } = answer as AnswerOf<"tend">;
    return { ...rest, doubtful: byId(doubtful) };
  }
  return answer;
}

function byId<T extends Pick<ScheduleView, "scheduleId">>(all: readonly T[]): T[] {
  return [...all].sort((a, b) => (a.scheduleId < b.scheduleId ? -1 : 1));
}
