/**
 * The model store as a server: what a sync keeps is a snapshot, and after every step its state is
 * looked at from inside.
 */
import type {
  ConnectionChange,
  Store,
  StoreHealth,
  StoreInfo,
  Wake,
} from "../../src/store/contract.js";
import { type Caller, Model, type Snapshot } from "../model/model.js";
import type { Backend, BackendMaker, BackendParts } from "./backend.js";
import { VERBS, type Verb } from "./verbs.js";

/** How a model is made; mutants are made otherwise. */
export type ModelMaker = (clock: { now(): number }) => Model;

type Step = Exclude<Verb, "open">;

class ModelBackend implements Backend {
  readonly #parts: BackendParts;
  readonly #model: Model;
  readonly #listeners = new Map<string, Set<(wake: Wake) => void>>();
  #synced: Snapshot;
  /** Something was written since. */
  #isDirty = false;
  #wrong: string[] = [];

  constructor(parts: BackendParts, make: ModelMaker) {
    this.#parts = parts;
    this.#model = make(parts.clock);
    this.#synced = this.#model.snapshot();
  }

  store(identity: string): Store {
    const listeners = new Set<(wake: Wake) => void>();
    this.#listeners.set(identity, listeners);
    const caller: Caller = { identity, dataKey: null };
    const steps = VERBS.filter((verb) => verb !== "open").map((verb) => {
      return [verb, async (args: unknown) => this.#step(caller, verb as Step, args)];
    });
    const health = { connected: true, sinceAnswerMs: 0, lastError: null };
    return {
      ...Object.fromEntries(steps),
      shards: 1,
      open: async (): Promise<StoreInfo> => this.#info(),
      onWake: (listener: (wake: Wake) => void) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
      onConnection: (_: (change: ConnectionChange) => void) => () => {},
      health: (): StoreHealth => health,
      close: async () => this.#model.leave(identity),
    } as Store;
  }

  sync(): void {
    if (this.#isDirty) this.#synced = this.#model.snapshot();
    this.#isDirty = false;
  }

  restart(forgets: boolean): void {
    if (!forgets) this.sync();
    this.#isDirty = false;
    this.#model.restart(this.#synced);
  }

  wipe(): void {
    this.#model.restart();
    this.#synced = this.#model.snapshot();
    this.#isDirty = false;
  }

  invariants(): string[] {
    return [...this.#wrong, ...this.#model.invariants()];
  }

  close(): void {}

  #info(): StoreInfo {
    const now = this.#parts.clock.now();
    return { description: "a model", now, warnings: [] };
  }

  #step(caller: Caller, verb: Step, args: unknown): unknown {
    this.#isDirty = true;
    const { answer, wakes, dataKey } = this.#model.apply(caller, verb, args as never);
    this.#wrong.push(...this.#model.invariants().map((what) => `after ${verb}: ${what}`));
    caller.dataKey = dataKey;
    for (const { identity, wake } of wakes) {
      for (const listener of this.#listeners.get(identity) ?? []) listener(wake);
    }
    return answer;
  }
}

/** Makes servers of the model, or of one that is wrong on purpose. */
export function modelBackend(make: ModelMaker = (clock) => new Model(clock)): BackendMaker {
  return (parts) => new ModelBackend(parts, make);
}
