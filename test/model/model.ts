/**
 * The model of a store: the whole contract in memory, without one trick for speed. Each verb is one
 * synchronous step; whoever simulates a network decides when it is taken, and who hears of it.
 */
import type { Store } from "../../src/store/contract.js";
import { type HighWater, violations } from "./invariants.js";
import { cancel, counts, get, list, prune, redrive } from "./jobs.js";
import { reap, renew } from "./leases.js";
import { look } from "./look.js";
import { push } from "./push.js";
import { fire, trigger } from "./schedules/fire.js";
import { pause, recover, remove, schedule, schedules, tend } from "./schedules/manage.js";
import { register } from "./schedules/register.js";
import { holdFor } from "./schedules/row.js";
import type { AddressedWake, Scope } from "./scope.js";
import { wakeSleepers } from "./sleep.js";
import { emptyState, type State } from "./state.js";
import { work } from "./work.js";

/** The verbs on what is stored. */
export type Verb = Exclude<
  keyof Store,
  | "shards"
  | "spreads"
  | "open"
  | "onWake"
  | "onConnection"
  | "guarantee"
  | "examine"
  | "health"
  | "close"
>;

export type ArgsOf<V extends Verb> = Parameters<Store[V]>[0];
export type AnswerOf<V extends Verb> = Awaited<ReturnType<Store[V]>>;

const STEPS: { [V in Verb]: (scope: Scope, args: ArgsOf<V>) => AnswerOf<V> } = {
  ...{ push, work, look, renew, reap, register, fire, trigger, pause, remove, schedule, schedules },
  ...{ tend, recover, get, cancel, redrive, list, counts, prune },
  // Nothing points at anything here that could be lost by itself: `invariants.ts` would tell.
  mend: () => ({ seen: 0, place: "", mended: {} }),
};

/** Who calls: a scheduler, and the data that it knows from answers so far; null: none yet. */
export interface Caller {
  identity: string;
  dataKey: string | null;
}

/** What a step answers, and whom it wakes. The caller knows `dataKey` once it has the answer. */
export interface Effect<T> {
  answer: T;
  wakes: AddressedWake[];
  dataKey: string;
}

/** A state of the whole store, never changed. */
export interface Snapshot {
  readonly state: State;
}

export class Model {
  readonly #clock: { now(): number };
  #state: State = emptyState();
  #runs = 1;
  #marks: HighWater = { number: 0, fence: 0 };

  constructor(clock: { now(): number }) {
    this.#clock = clock;
  }

  /** One atomic step; throws where the verb rejects. */
  apply<V extends Verb>(caller: Caller, verb: V, args: ArgsOf<V>): Effect<AnswerOf<V>> {
    const scope = this.#scope(caller.identity);
    const { dataKey } = this;
    if (caller.dataKey !== null && caller.dataKey !== dataKey) holdFor(scope, dataKey);
    const answer = STEPS[verb](scope, structuredClone(args));
    wakeSleepers(scope);
    return { answer: structuredClone(answer), wakes: scope.wakes, dataKey };
  }

  /** This scheduler sleeps no more; its leases stay. */
  leave(identity: string): void {
    this.#state.sleepers.delete(identity);
  }

  /** Nothing fires for 5 s, as for a store that somebody knew otherwise. */
  hold(): void {
    this.#state.holdUntil = this.#clock.now() + 5_000;
  }

  /** Which data these are, of which run of the store: changes with every restart. */
  get dataKey(): string {
    return `run ${this.#runs}`;
  }

  snapshot(): Snapshot {
    return { state: structuredClone(this.#state) };
  }

  /** The store starts again with what it had then; without a snapshot: with nothing. */
  restart({ state }: Snapshot = { state: emptyState() }): void {
    this.#state = structuredClone(state);
    this.#runs += 1;
    this.#marks = { number: 0, fence: 0 };
  }

  /** All that is wrong with the state at this moment, as sentences. */
  invariants(): string[] {
    return violations(this.#state, this.#marks);
  }

  /** For eyes only. */
  get state(): Readonly<State> {
    return this.#state;
  }

  #scope(identity: string): Scope {
    const [state, now] = [this.#state, this.#clock.now()];
    return { state, identity, now, notices: [], scheduleNotices: [], wakes: [] };
  }
}
