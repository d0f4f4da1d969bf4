/**
 * What a fault run takes place in: the store, processes that are replaced when they die, a proxy
 * for each, and the controller's own history.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { RegisterOptions, SchedulerOptions } from "schedule-mq";
import { type FaultProxy, startFaultProxy } from "../../support/fault-proxy.js";
import type { ServerKind } from "../../support/servers.js";
import { until } from "../../support/until.js";
import type { Rules } from "../check/case.js";
import { historyOf, noteLags, now } from "../programs/history.mjs";
import type { PushKind } from "../programs/pusher.mjs";
import { Chance } from "./chance.js";
import type { Fault, Line, Phase } from "./history.js";
import { Process, type Role } from "./process.js";
import { type Persistence, RedisStore, SqliteStore, type Store } from "./store.js";

export interface Setup {
  store:
    | { kind: "redis"; server: ServerKind; persistence: Persistence }
    | { kind: "sqlite"; durability: "fsync" | "store" };
  /** Whether it needs the C shim. */
  needsShim: boolean;
  workers: number;
  pushers: number;
  registrars: number;
  kinds: readonly PushKind[];
  /** Between two pushes of one pusher. */
  everyMs: number;
  schedules: readonly ({ taskId: string; scheduleId: string } & RegisterOptions)[];
  /** The wall clock of each process is wrong by up to so much, either way, ms. */
  clocksWrongByMs: number;
  /** Whether the store is there from the beginning. */
  isLate: boolean;
  /** The concurrency of each. */
  tasks: Readonly<Record<string, number>>;
  /** Options beside those of the store and the usual times. */
  scheduler: SchedulerOptions;
}

export interface Placed {
  process: Process;
  proxy: FaultProxy | null;
}

/** A process that died is replaced after so long. */
const REPLACE_MS = 300;
/** A machine that does other things makes everybody wait a little. */
const STALL_MS = 200;

export class Arena {
  readonly setup: Setup;
  readonly rules: Rules;
  readonly chance: Chance;
  readonly folder: string;
  readonly store: Store;
  readonly placed: Placed[] = [];
  readonly #write: (what: string, more?: object) => void;
  readonly #endLags: () => void;
  readonly #seed: number;
  #turn: Promise<void> = Promise.resolve();
  #count = 0;
  readonly #replaced: Set<Role> = new Set(["worker", "pusher", "registrar"]);
  #gate: Promise<void> = Promise.resolve();
  #isOver = false;

  private constructor(args: {
    setup: Setup;
    rules: Rules;
    seed: number;
    folder: string;
    store: Store;
  }) {
    this.setup = args.setup;
    this.rules = args.rules;
    this.#seed = args.seed;
    this.chance = new Chance(args.seed);
    this.folder = args.folder;
    this.store = args.store;
    this.#write = historyOf(join(this.folder, "controller.jsonl"), "controller");
    this.#endLags = noteLags(this.#write);
  }

  static async open(setup: Setup, rules: Rules, seed: number): Promise<Arena> {
    const folder = mkdtempSync(join(tmpdir(), "schedule-mq-chaos-"));
    const { store: wanted, needsShim } = setup;
    const store =
      wanted.kind === "redis"
        ? await RedisStore.open({ folder, needsShim, ...wanted })
        : new SqliteStore({ folder, needsShim, ...wanted });
    return new Arena({ setup, rules, seed, folder, store });
  }

  get redis(): RedisStore {
    if (this.store instanceof RedisStore) return this.store;
    throw new Error("this scenario needs a server");
  }

  get sqlite(): SqliteStore {
    if (this.store instanceof SqliteStore) return this.store;
    throw new Error("this scenario needs a file");
  }

  /** Set when the time for faults is over: a strike that lasts has to end then. */
  get isOver(): boolean {
    return this.#isOver;
  }

  end(): void {
    this.#isOver = true;
  }

  note(line: Omit<Extract<Line, { by: string }>, "t" | "by"> & Record<string, unknown>): void {
    const { what, ...more } = line;
    this.#write(what, more);
  }

  phase(phase: Phase["phase"]): number {
    this.#write("phase", { phase });
    return now();
  }

  /** Does something bad, and notes when that was. */
  async fault(
    kind: string,
    about: Partial<Pick<Fault, "processes" | "lossMs" | "jumpMs" | "works">>,
    act: () => Promise<void>,
  ): Promise<void> {
    const from = now();
    await act();
    this.#write("fault", { kind, from, to: now(), ...about });
  }

  /** After those that have been given here before: some faults cannot happen at the same time. */
  inTurn(act: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(act);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  /** While a fault lasts. */
  lasting(ms: number): Promise<void> {
    return pause(ms);
  }

  /** Those who live, are not about to end, and can do something. */
  living(role: Role): Placed[] {
    return this.placed.filter(
      ({ process }) =>
        process.role === role && process.alive && !process.leaving && !process.stopped,
    );
  }

  /** Until some worker has started; bounded, as one that cannot start is found elsewhere. */
  async somebodyUp(): Promise<void> {
    const isUp = () =>
      Promise.race([
        ...this.living("worker").map(({ process }) => process.isUp),
        pause(50).then(() => false),
      ]);
    await until("a worker that has started", isUp, 10_000).catch(() => {});
  }

  async launch(role: Role): Promise<Placed> {
    this.#count += 1;
    const name = `${role[0]}${this.#count}`;
    const proxy = this.store.kind === "redis" ? await this.#proxy() : null;
    const options: SchedulerOptions = {
      ...this.store.options(proxy?.port ?? null),
      lease: this.rules.leaseMs,
      pollInterval: this.rules.pollMs,
      stopTimeout: this.rules.stopMs,
      ...this.setup.scheduler,
    };
    const file = join(this.folder, `${name}.jsonl`);
    const seed = this.#seed * 1_000 + this.#count;
    const { kinds, everyMs, schedules, tasks } = this.setup;
    const work = { tasks, schedules };
    const pushes = { kinds, everyMs, seed, retryMs: this.rules.retryMs };
    const orders = { by: name, file, scheduler: options, ...work, ...pushes };
    const env = this.store.kind === "sqlite" ? (this.store.shim?.env ?? {}) : {};
    this.note({ what: "spawn", process: name, role });
    const most = this.setup.clocksWrongByMs;
    const wrongByMs = most === 0 ? 0 : Math.round(this.chance.between(-most, most));
    const process = new Process({ name, role, orders, env: { ...env }, wrongByMs });
    const placed = { process, proxy };
    this.placed.push(placed);
    void this.#watch(placed);
    return placed;
  }

  /** Until `reopen` is called nobody who died is replaced. */
  holdReplacements(): () => void {
    let reopen = () => {};
    this.#gate = new Promise((resolve) => {
      reopen = resolve;
    });
    return reopen;
  }

  stopReplacing(...roles: readonly Role[]): void {
    for (const role of roles) this.#replaced.delete(role);
  }

  /** Everything that still holds somebody up is taken away; who is dead has been replaced. */
  async heal(): Promise<void> {
    for (const { process, proxy } of this.placed) {
      if (process.stopped) process.thaw();
      proxy?.set("none");
    }
    await this.#gate;
    await pause(2 * REPLACE_MS);
  }

  /** Samples the store's clock, and how long it takes to answer, until the answer is called. */
  watchClock(): () => void {
    let isOn = true;
    const sample = async () => {
      while (isOn) {
        const from = now();
        const storeMs = await this.store.clock();
        const t = now();
        // The run may have ended meanwhile, and its folder be gone.
        if (!isOn) return;
        // An answer that took long says little about when it was true.
        if (storeMs !== null && t - from < 50) this.#write("clock", { at: from, storeMs });
        if (t - from > STALL_MS) this.#write("stall", { from, to: t });
        await pause(100);
      }
    };
    void sample();
    return () => {
      isOn = false;
    };
  }

  async close(): Promise<void> {
    this.stopReplacing("worker", "pusher", "registrar");
    const living = this.placed.filter(({ process }) => process.alive);
    for (const { process } of living) process.kill();
    await Promise.all(this.placed.map(({ process }) => process.ended));
    await Promise.all(this.placed.map(({ proxy }) => proxy?.close()));
    await this.store.close();
    this.#endLags();
  }

  /** The run is over and nobody needs to look at what was written. */
  forget(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #proxy(): Promise<FaultProxy> {
    return startFaultProxy({ host: "127.0.0.1", port: this.redis.port });
  }

  /** Notes its end, and starts another one in its place. */
  async #watch({ process, proxy }: Placed): Promise<void> {
    const { code, signal, said } = await process.ended;
    // Told to end before it had loaded anything: then SIGTERM does what it does to everybody.
    const isYoung = process.leaving && signal === "SIGTERM";
    const expected = signal === "SIGKILL" || isYoung;
    this.note({ what: "exit", process: process.name, code, signal, expected, said });
    if (!this.#replaced.has(process.role)) return;
    await pause(REPLACE_MS);
    await this.#gate;
    await proxy?.close();
    if (this.#replaced.has(process.role)) await this.launch(process.role);
  }
}
