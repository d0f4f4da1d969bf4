/**
 * A store that is loaded when it is first used, so that importing the library loads neither a
 * Redis client nor a SQLite binding, and creating a scheduler needs no await.
 */
import type { ConnectionChange, Store, StoreHealth, StoreInfo, Wake } from "./contract.js";

type WakeListener = (wake: Wake) => void;
type ConnectionListener = (change: ConnectionChange) => void;

export class LazyStore implements Store {
  readonly #load: () => Promise<Store>;
  #store: Store | null = null;
  #loading: Promise<Store> | null = null;
  readonly #wakeListeners = new Set<WakeListener>();
  readonly #connectionListeners = new Set<ConnectionListener>();

  constructor(load: () => Promise<Store>) {
    this.#load = load;
  }

  get shards(): number {
    return this.#store?.shards ?? 1;
  }

  get spreads(): Store["spreads"] {
    return this.#store?.spreads;
  }

  open: Store["open"] = () => this.#with((store) => store.open());
  push: Store["push"] = (args) => this.#with((store) => store.push(args));
  work: Store["work"] = (args) => this.#with((store) => store.work(args));
  look: Store["look"] = (args) => this.#with((store) => store.look(args));
  renew: Store["renew"] = (args) => this.#with((store) => store.renew(args));
  reap: Store["reap"] = (args) => this.#with((store) => store.reap(args));
  register: Store["register"] = (args) => this.#with((store) => store.register(args));
  fire: Store["fire"] = (args) => this.#with((store) => store.fire(args));
  trigger: Store["trigger"] = (args) => this.#with((store) => store.trigger(args));
  pause: Store["pause"] = (args) => this.#with((store) => store.pause(args));
  remove: Store["remove"] = (args) => this.#with((store) => store.remove(args));
  schedule: Store["schedule"] = (args) => this.#with((store) => store.schedule(args));
  schedules: Store["schedules"] = (args) => this.#with((store) => store.schedules(args));
  tend: Store["tend"] = (args) => this.#with((store) => store.tend(args));
  recover: Store["recover"] = (args) => this.#with((store) => store.recover(args));
  get: Store["get"] = (args) => this.#with((store) => store.get(args));
  cancel: Store["cancel"] = (args) => this.#with((store) => store.cancel(args));
  redrive: Store["redrive"] = (args) => this.#with((store) => store.redrive(args));
  list: Store["list"] = (args) => this.#with((store) => store.list(args));
  counts: Store["counts"] = (args) => this.#with((store) => store.counts(args));
  prune: Store["prune"] = (args) => this.#with((store) => store.prune(args));

  mend: Store["mend"] = (args) => this.#with((store) => store.mend(args));
  guarantee = (): Promise<StoreInfo | null> =>
    this.#with(async (store) => (await store.guarantee?.()) ?? null);
  examine: Store["examine"] = (args) => this.#with((store) => store.examine(args));

  onWake(listener: WakeListener): () => void {
    this.#wakeListeners.add(listener);
    return () => void this.#wakeListeners.delete(listener);
  }

  onConnection(listener: ConnectionListener): () => void {
    this.#connectionListeners.add(listener);
    return () => void this.#connectionListeners.delete(listener);
  }

  health(): StoreHealth {
    return this.#store?.health() ?? { connected: false, sinceAnswerMs: null, lastError: null };
  }

  async close(): Promise<void> {
    // One that is being loaded has nothing open yet, but will have when this call returns.
    const store = this.#store ?? (await this.#loading?.catch(() => null));
    await store?.close();
  }

  #with<T>(call: (store: Store) => Promise<T>): Promise<T> {
    return this.#store === null ? this.#loaded().then(call) : call(this.#store);
  }

  async #loaded(): Promise<Store> {
    this.#loading ??= this.#load();
    try {
      const store = await this.#loading;
      if (this.#store === null) this.#adopt(store);
      return store;
    } catch (error) {
      this.#loading = null;
      throw error;
    }
  }

  #adopt(store: Store): void {
    this.#store = store;
    store.onWake((wake) => {
      for (const listener of [...this.#wakeListeners]) listener(wake);
    });
    store.onConnection((change) => {
      for (const listener of [...this.#connectionListeners]) listener(change);
    });
  }
}
