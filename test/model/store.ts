/** The model behind the contract's own face: every call is taken at once, every wake-up arrives. */

import { SchedulerError } from "../../src/core/errors.js";
import { type Finding, finding } from "../../src/core/finding.js";
import type * as contract from "../../src/store/contract.js";
import type { AnswerOf, ArgsOf, Caller, Model, Verb } from "./model.js";

/** They change nothing. */
const READING: ReadonlySet<Verb> = new Set(["get", "list", "counts", "schedule", "schedules"]);

const MOST_CHECKED = 200;

/** Schedulers of one model hear each other. */
export class ModelHub {
  readonly model: Model;
  readonly clock: { now(): number };
  #calls = 0;
  readonly #stores: Map<string, (wake: contract.Wake) => void> = new Map();

  constructor(model: Model, clock: { now(): number }) {
    this.model = model;
    this.clock = clock;
  }

  /** What is wrong now; of many jobs not after every call, which would be their square. */
  check(): string[] {
    this.#calls += 1;
    let jobs = 0;
    for (const task of this.model.state.tasks.values()) jobs += task.jobs.size;
    return jobs <= MOST_CHECKED || this.#calls % 100 === 0 ? this.model.invariants() : [];
  }

  open(identity: string): ModelStore {
    return new ModelStore(this, identity);
  }

  hear(identity: string, wake: (wake: contract.Wake) => void): void {
    this.#stores.set(identity, wake);
  }

  tell(identity: string, wake: contract.Wake): void {
    const hears = this.#stores.get(identity);
    if (hears !== undefined) queueMicrotask(() => hears(wake));
  }
}

export class ModelStore implements contract.Store {
  readonly shards = 1;
  readonly #hub: ModelHub;
  readonly #caller: Caller;
  readonly #listeners: Set<(wake: contract.Wake) => void> = new Set();
  #isOpen = false;

  constructor(hub: ModelHub, identity: string) {
    this.#hub = hub;
    this.#caller = { identity, dataKey: null };
    hub.hear(identity, (wake) => {
      for (const listener of [...this.#listeners]) listener(wake);
    });
  }

  async open(): Promise<contract.StoreInfo> {
    this.#isOpen = true;
    const now = this.#hub.clock.now();
    return { description: "a model, in memory: nothing survives", now, warnings: [] };
  }

  push = (args: contract.PushArgs) => this.#call("push", args);
  work = (args: contract.WorkArgs) => this.#call("work", args);
  look = (args: contract.LookArgs) => this.#call("look", args);
  renew = (args: contract.RenewArgs) => this.#call("renew", args);
  reap = (args: contract.ReapArgs) => this.#call("reap", args);
  register = (args: contract.RegisterArgs) => this.#call("register", args);
  fire = (args: contract.FireArgs) => this.#call("fire", args);
  trigger = (args: contract.TriggerArgs) => this.#call("trigger", args);
  pause = (args: contract.PauseArgs) => this.#call("pause", args);
  remove = (args: contract.RemoveArgs) => this.#call("remove", args);
  schedule = (args: { scheduleId: string }) => this.#call("schedule", args);
  schedules = (args: contract.SchedulesArgs) => this.#call("schedules", args);
  tend = (args: contract.TendArgs) => this.#call("tend", args);
  recover = (args: ArgsOf<"recover">) => this.#call("recover", args);
  get = (args: contract.JobRef) => this.#call("get", args);
  cancel = (args: contract.JobRef) => this.#call("cancel", args);
  redrive = (args: contract.JobRef) => this.#call("redrive", args);
  list = (args: contract.ListArgs) => this.#call("list", args);
  counts = (args: { taskId: string }) => this.#call("counts", args);
  prune = (args: contract.PruneArgs) => this.#call("prune", args);
  mend = (args: contract.MendArgs) => this.#call("mend", args);

  /** There is no server, no file and no setting. */
  async examine(): Promise<Finding[]> {
    return [finding("STORE_REACHABLE", "ok", "a model, in memory")];
  }

  onWake(listener: (wake: contract.Wake) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  onConnection(): () => void {
    return () => {};
  }

  health(): contract.StoreHealth {
    return { connected: this.#isOpen, sinceAnswerMs: this.#isOpen ? 0 : null, lastError: null };
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    this.#hub.model.leave(this.#caller.identity);
  }

  async #call<V extends Verb>(verb: V, args: ArgsOf<V>): Promise<AnswerOf<V>> {
    this.#isOpen = true;
    const { model } = this.#hub;
    const { answer, wakes, dataKey } = model.apply(this.#caller, verb, args);
    const wrong = READING.has(verb) ? [] : this.#hub.check();
    if (wrong.length > 0) {
      throw new SchedulerError("STORE_DAMAGED", `after ${verb}: ${wrong.join("; ")}`, { fix: "" });
    }
    this.#caller.dataKey = dataKey;
    for (const { identity, wake } of wakes) this.#hub.tell(identity, wake);
    return answer;
  }
}
