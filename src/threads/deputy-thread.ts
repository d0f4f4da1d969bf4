/**
 * The thread of deputies. Each that comes has a port; from its beginning to its end this puts its
 * duty together with a store of its own, and does what the main thread says.
 */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { systemChance } from "../chance.js";
import { systemClock, type Timer } from "../clock.js";
import { BoardView } from "../loops/deputy/board.js";
import type { DeputyOrders, ToDeputy } from "../loops/deputy/deputy.js";
import { Duty } from "../loops/deputy/duty.js";
import type { DeputyStore } from "../store/contract.js";
import type { DeputyStoreOptions } from "./orders.js";

/** How to open a store of its own; known only once the main thread has opened its. */
type ToldStore = DeputyStoreOptions & { shards: number };

export type ToDeputyThread = ToDeputy | { kind: "store"; store: ToldStore };

async function makeStore(store: ToldStore, leaseMs: number): Promise<DeputyStore> {
  const own = {
    ...{ clock: systemClock, chance: systemChance, identity: systemChance.identity() },
    ...{ prefix: store.prefix, keep: store.keep, leaseMs },
  };
  if (store.kind === "redis") {
    const { createRedisDeputyStore } = await import("../store/redis/deputy-store.js");
    return createRedisDeputyStore({ ...own, shards: store.shards, redis: store.redis });
  }
  const { createSqliteDeputyStore } = await import("../store/sqlite/deputy-store.js");
  const { path, durability } = store;
  return createSqliteDeputyStore({ ...own, durability, target: { path } });
}

/**
 * What a store needs is loaded before a lease may have to be renewed, which is after a quarter of
 * it: on a busy machine loading takes longer than the rest of a short one. But not before there is
 * one, and not at once: it costs as much CPU as the first thousands of jobs of a process.
 */
const LOAD_AFTER_PART = 10;

/** What it tells the main thread, once each; the last one before it closes its port. */
export type FromDeputy =
  | { kind: "ready" }
  | { kind: "loaded" }
  | { kind: "failed"; message: string };

export interface DeputyHostOrders {
  /** False: ends with its only deputy. */
  isShared: boolean;
}

/** One deputy more. */
export interface Newcomer {
  port: MessagePort;
  orders: DeputyOrders;
}

/** A deputy's own store: made when it is first needed, once the main thread has told of it. */
class OwnStore {
  readonly #leaseMs: number;
  readonly #told: Promise<ToldStore>;
  #learn: (store: ToldStore) => void = () => {};
  #made: Promise<DeputyStore> | null = null;
  #isOver = false;

  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs;
    this.#told = new Promise<ToldStore>((resolve) => {
      this.#learn = resolve;
    });
  }

  learn(store: ToldStore): void {
    this.#learn(store);
  }

  readonly get = (): Promise<DeputyStore> => {
    if (this.#isOver) return Promise.reject(new Error("its scheduler has stopped"));
    this.#made ??= this.#told.then((known) => makeStore(known, this.#leaseMs));
    return this.#made;
  };

  /** It opens itself again when it is used again. */
  async close(): Promise<void> {
    await this.#made?.then((open) => open.close()).catch(() => {});
  }

  /** For ever. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.close();
  }
}

function serve({ port, orders }: Newcomer): void {
  const board = new BoardView(orders.board);
  const store = new OwnStore(orders.leaseMs);
  let timer: Timer | null = null;
  let isOver = false;
  const duty = new Duty({
    ...{ clock: systemClock, board, taskIds: orders.taskIds, leaseMs: orders.leaseMs },
    store: store.get,
    closeStore: () => void store.close(),
  });
  const tell = (word: FromDeputy): void => port.postMessage(word);
  const load = (): void => {
    store.get().then(
      () => tell({ kind: "loaded" }),
      (error: unknown) => {
        if (isOver) return;
        tell({ kind: "failed", message: `its store cannot be loaded: ${String(error)}` });
        void end().then(() => port.close());
      },
    );
  };
  let loading: Timer | null = null;
  const look = (): void => {
    const delayMs = duty.look();
    if (!board.isEmpty) {
      loading ??= systemClock.after(orders.leaseMs / LOAD_AFTER_PART, load, { keepAlive: false });
    }
    timer = delayMs === null ? null : systemClock.after(delayMs, look);
  };
  port.on("message", (word: ToDeputyThread) => {
    if (word.kind === "store") store.learn(word.store);
    if (word.kind === "sheet") board.addSheet(word.sheet);
    if (word.kind === "wake" && timer === null && !isOver) {
      duty.begin();
      look();
    }
    // Whoever waits for the end may rely on the store's.
    if (word.kind === "close") void end().then(() => port.close());
  });
  const end = (): Promise<void> => {
    isOver = true;
    timer?.cancel();
    loading?.cancel();
    return store.end();
  };
  port.on("close", () => void end());
  tell({ kind: "ready" });
  look();
}

if (parentPort !== null) {
  const main = parentPort;
  const { isShared } = workerData as DeputyHostOrders;
  main.on("message", (newcomer: Newcomer) => {
    serve(newcomer);
    if (!isShared) newcomer.port.on("close", () => main.close());
  });
}
