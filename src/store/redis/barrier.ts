/**
 * Waits until the server's disk, and a replica where that is wanted, have all that was answered.
 *  1. one question at a time on a connection of its own, so that nothing else waits behind it;
 *     what is asked for meanwhile shares the next one
 *  2. the question is a write and WAITAOF: these cover all writes before them, of all connections
 *  3. an answer counts only for what the same run of the same server did
 */
import { type Clock, sleep, type Timer } from "../../clock.js";
import type { Durability } from "../../core/durability.js";
import { SchedulerError } from "../../core/errors.js";
import { bareError } from "./bare-error.js";
import { addressOf, type Client, connect } from "./client.js";

/** How long one question waits at the server; then it is asked again while anybody waits. */
const ROUND_MS = 500;
/** How long a replica may take to answer at the start. */
const CHECK_MS = 2_000;
/** A socket that is silent for this long beyond that is given up. */
const SILENT_MS = 3_000;
const PAUSE_MS = 50;

export interface BarrierParts {
  makeClient: () => Promise<() => Client>;
  clock: Clock;
  /** The key that is written to: one that the server has. */
  key: () => string;
  durability: Exclude<Durability, "store">;
  /** The run of the server that answers the verbs; null: hidden, or not connected yet. */
  runId: () => string | null;
}

interface Waiter {
  runId: string | null;
  timer: Timer;
  resolve: () => void;
  reject: (error: Error) => void;
}

export class Barrier {
  readonly #parts: BarrierParts;
  readonly #waiters = new Set<Waiter>();
  #client: Client | null = null;
  #asking = false;
  #address = "?";
  #lastError: string | null = null;

  constructor(parts: BarrierParts) {
    this.#parts = parts;
  }

  /** Why the last question was not answered as hoped; null: it was. */
  get lastError(): string | null {
    return this.#lastError;
  }

  /** Rejects when this server cannot give the guarantee. */
  async check(): Promise<void> {
    const { durability } = this.#parts;
    const refuse = (problem: string, fix: string): SchedulerError =>
      new SchedulerError(
        "DURABILITY_UNAVAILABLE",
        `durability "${durability}" cannot be kept by Redis at ${this.#address}: ${problem}`,
        { fix, value: durability },
      );
    try {
      const { runId, replicas } = await this.#ask(1, CHECK_MS);
      if (runId === null)
        throw refuse("it hides INFO, so that its restarts cannot be seen", RIGHTS);
      if (replicas === 0) throw refuse("no replica has answered", REPLICA);
      if (await this.#isNeverSynced()) throw refuse("appendfsync is no", APPENDFSYNC);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      if (/unknown command/i.test(text)) throw refuse("it has no WAITAOF", NEWER);
      if (/appendonly is disabled/i.test(text)) throw refuse("appendonly is off", APPENDONLY);
      if (/replica instances/i.test(text)) throw refuse("it is a replica itself", PRIMARY);
      if (/^NOPERM/.test(text)) throw refuse("the user lacks a right", RIGHTS);
      throw bareError(error);
    }
  }

  /**
   * Resolves when all that was answered before this call is safe; rejects as unknown. `runId`: the
   * run of the server that has answered.
   */
  wait(verb: string, timeoutMs: number, runId: string | null = this.#parts.runId()): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (done: () => void) => {
        waiter.timer.cancel();
        this.#waiters.delete(waiter);
        done();
      };
      const fail = (reason: string) => end(() => reject(this.#unknown(verb, reason)));
      const waiter: Waiter = {
        runId,
        timer: this.#parts.clock.after(timeoutMs, () => fail("did not say so in time")),
        resolve: () => end(resolve),
        reject: ({ message }) => fail(message),
      };
      this.#waiters.add(waiter);
      void this.#askWhileWanted();
    });
  }

  close(): void {
    for (const waiter of [...this.#waiters]) waiter.reject(new Error("was left before it said so"));
    this.#drop();
  }

  async #askWhileWanted(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    while (this.#waiters.size > 0) {
      const asked = [...this.#waiters];
      try {
        const { runId, disk, replicas } = await this.#ask(ROUND_MS, ROUND_MS);
        this.#lastError = disk && replicas > 0 ? null : this.#late(disk);
        if (this.#lastError === null) this.#tell(asked, runId);
      } catch (error) {
        this.#lastError = error instanceof Error ? error.message : String(error);
        this.#drop();
        await sleep(this.#parts.clock, PAUSE_MS);
      }
    }
    this.#asking = false;
    this.#client?.stream?.unref?.();
  }

  #late(disk: boolean): string {
    return disk ? "no replica has what was answered" : "the disk has not what was answered";
  }

  #tell(asked: readonly Waiter[], runId: string | null): void {
    for (const waiter of asked) {
      if (waiter.runId === runId && runId !== null) waiter.resolve();
      else if (waiter.runId !== this.#parts.runId()) waiter.reject(new Error("was started again"));
      // This connection leads to another server than the verbs' own: find the same one.
      else this.#drop();
    }
  }

  /** Zero replicas: none of them in time. */
  async #ask(
    diskMs: number,
    replicasMs: number,
  ): Promise<{ runId: string | null; disk: boolean; replicas: number }> {
    const client = await this.#connected();
    client.stream?.ref?.();
    const { clock, key, durability } = this.#parts;
    const timer = clock.after(diskMs + replicasMs + SILENT_MS, () => this.#drop());
    try {
      const name = key();
      const [info, , onDisks, replicas] = await Promise.all([
        client.call("INFO", "server").catch(() => ""),
        client.call("HSET", name, "a", "1"),
        client.call("WAITAOF", "1", "0", String(diskMs)),
        durability === "replicas" ? client.call("WAIT", "1", String(replicasMs)) : 1,
      ]);
      const runId = /^run_id:(\w+)/m.exec(String(info))?.[1] ?? null;
      return { runId, disk: Number((onDisks as number[])[0]) > 0, replicas: Number(replicas) };
    } finally {
      timer.cancel();
      if (!this.#asking) client.stream?.unref?.();
    }
  }

  /** True: the server asks its disk for nothing, so no question would ever be confirmed. */
  async #isNeverSynced(): Promise<boolean> {
    const client = await this.#connected();
    client.stream?.ref?.();
    const timer = this.#parts.clock.after(SILENT_MS, () => this.#drop());
    // Where the host hides it, pushes find out.
    const reply = await client.call("CONFIG", "GET", "appendfsync").catch(() => null);
    timer.cancel();
    if (!this.#asking) client.stream?.unref?.();
    return Array.isArray(reply) && reply[1] === "no";
  }

  async #connected(): Promise<Client> {
    if (this.#client !== null && this.#client.status === "ready") return this.#client;
    const client = (await this.#parts.makeClient())();
    this.#address = addressOf(client);
    const timer = this.#parts.clock.after(SILENT_MS, () => client.disconnect());
    await connect(client).finally(() => timer.cancel());
    this.#client = client;
    return client;
  }

  #drop(): void {
    this.#client?.disconnect();
    this.#client = null;
  }

  #unknown(verb: string, reason: string): SchedulerError {
    const where = this.#parts.durability === "fsync" ? "disk" : "disk and a replica";
    const why = this.#lastError === null ? "" : ` (${this.#lastError})`;
    const message = `${verb}: done by Redis at ${this.#address}, but it ${reason}`;
    return new SchedulerError(
      "STORE_NO_ANSWER",
      `${message}${why}: whether its ${where} ${where === "disk" ? "has" : "have"} it is unknown`,
      { fix: verb === "push" ? PUSH_AGAIN : "look whether it is done, or do it again" },
    );
  }
}

const PUSH_AGAIN = "give jobs an id: pushed again with the same id, a job is never stored twice";
const NEWER = 'use Redis 7.2 or Valkey 7.2, or newer, or set durability: "store"';
const APPENDONLY = 'set "appendonly yes" on the server, or durability: "store"';
const APPENDFSYNC = 'set "appendfsync always" (or everysec) there, or durability: "store"';
const REPLICA = 'start a replica of this server, or set durability: "fsync"';
const PRIMARY = "connect to the primary, or use Sentinel";
const RIGHTS = 'give the Redis user the rights +info +waitaof +wait, or set durability: "store"';
