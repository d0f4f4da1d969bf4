/**
 * The connection that carries all verbs of a scheduler.
 *  1. connects, and connects again for ever, with short growing pauses
 *  2. replaces a socket that makes no progress: a half-open one never says so itself
 *  3. checks and prepares each new connection before anybody uses it
 *  4. keeps no process alive while nothing is in flight
 */
import type { Chance } from "../../chance.js";
import type { Clock } from "../../clock.js";
import { SchedulerError } from "../../core/errors.js";
import type { ConnectionChange } from "../contract.js";
import { bareError } from "./bare-error.js";
import { addressOf, type Client, connect, sendEncoded, unreachable } from "./client.js";
import type { Link, RunArgs } from "./link.js";
import { failureOf, noAnswer, refusal } from "./replies.js";
import type { Script } from "./scripts.js";
import { Waiters } from "./waiters.js";
import { Watchdog } from "./watchdog.js";
import { encodeEvalsha, type KeyGroups } from "./wire.js";

/** Connecting may take this long, with the first answers that the client library waits for. */
const CONNECT_MS = 3_000;
/** Preparing a connection may take this long. */
const PREPARE_MS = 5_000;
const LONGEST_PAUSE_MS = 1_000;
/** How long an unnumbered verb waits for a connection before it fails. */
const WAIT_MS = 5_000;

export interface ConnectionParts {
  makeClient: () => Promise<() => Client>;
  /** Checks a fresh connection; its rejection makes the connection unusable. */
  prepare: (client: Client) => Promise<{ emptied: boolean }>;
  clock: Clock;
  chance: Chance;
  onChange: (change: ConnectionChange) => void;
}

export class Connection implements Link {
  readonly #parts: ConnectionParts;
  #make: Promise<() => Client> | null = null;
  #client: Client | null = null;
  /** The one that is being connected or prepared. */
  #fresh: Client | null = null;
  #connecting = false;
  #wanted = false;
  /** Rises with close(): what was begun before must not come alive after. */
  #life = 0;
  readonly #waiters: Waiters;
  readonly #watchdog: Watchdog;
  #lastError: Error | null = null;
  #wasConnected = false;
  #address = "?";

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    this.#waiters = new Waiters(parts.clock);
    this.#watchdog = new Watchdog(parts.clock, (silentMs) => {
      this.drop(new Error(`no answer for ${Math.round(silentMs)} ms`));
    });
  }

  get address(): string {
    return this.#address;
  }

  get isThere(): boolean {
    return this.connected;
  }

  get connected(): boolean {
    return this.#client !== null;
  }

  get lastError(): Error | null {
    return this.#lastError;
  }

  sinceAnswerMs(): number | null {
    return this.#watchdog.sinceAnswerMs();
  }

  /** Connects once; rejects with the reason when that fails. */
  async connectNow(): Promise<void> {
    if (this.#client !== null) return;
    this.#wanted = true;
    if (this.#connecting) {
      await this.whenReady(CONNECT_MS + PREPARE_MS);
      return;
    }
    const life = this.#life;
    this.#connecting = true;
    try {
      await this.#attempt(life);
    } finally {
      this.#connecting = false;
      if (this.#client === null && this.#waiters.size > 0) void this.#connectForEver();
    }
  }

  /**
   * The client as soon as there is one; rejects when `waitMs` is over or the connection is closed.
   */
  whenReady(waitMs?: number): Promise<Client> {
    const client = this.#usable();
    if (client !== null) return Promise.resolve(client);
    this.#wanted = true;
    void this.#connectForEver();
    return this.#waiters.wait(waitMs, () => this.unreachable());
  }

  /** Runs a script; rejects with the client's own error. */
  async evalsha(script: Script, keys: KeyGroups, args: readonly string[]): Promise<unknown> {
    const client = this.#usable();
    if (client === null) throw this.unreachable();
    return await this.#tracked(client, () =>
      sendEncoded(client, "evalsha", encodeEvalsha(script.sha1, keys, args)),
    );
  }

  /** Runs a script that may be repeated without harm; rejects with a `SchedulerError`. */
  async run(args: RunArgs): Promise<unknown> {
    await this.whenReady(args.waitMs ?? WAIT_MS);
    try {
      return await this.evalsha(args.script, args.keys, args.args);
    } catch (error) {
      if (failureOf(error) === "noScript") return await this.#evalText(args);
      throw this.translate(error, args.verb);
    }
  }

  /** Runs any command on the current client. */
  async command(name: string, ...args: string[]): Promise<unknown> {
    const client = this.#usable();
    if (client === null) throw this.unreachable();
    return await this.#tracked(client, () => client.call(name, ...args));
  }

  translate(error: unknown, verb: string): SchedulerError {
    if (error instanceof SchedulerError) return error;
    const failure = failureOf(error);
    if (failure === "lost") return noAnswer(verb, this.#address, error);
    if (failure === "unfit") this.drop(error);
    return refusal({ error, verb, address: this.#address });
  }

  /** Why a call has not been sent. */
  unreachable(): SchedulerError {
    if (this.#client !== null) return tooSlow(this.#address);
    const reason = this.#lastError?.message ?? "connecting";
    if (this.#lastError instanceof SchedulerError) return this.#lastError;
    return new SchedulerError(
      "STORE_UNREACHABLE",
      `no connection to Redis at ${this.#address} (${reason})`,
      { fix: "start the server, or correct redisConfig; the scheduler keeps trying by itself" },
    );
  }

  /** Gives the current socket up; a new one is made at once. */
  drop(reason: unknown): void {
    const client = this.#client;
    if (client === null) return;
    this.#lose(client, reason instanceof Error ? reason : new Error(String(reason)));
    client.disconnect();
  }

  /** A socket that has ended says so some turns later: nothing can be sent on it meanwhile. */
  #usable(): Client | null {
    if (this.#client?.stream?.writable === false) this.drop(new Error("socket ended"));
    return this.#client;
  }

  close(): void {
    this.#life += 1;
    this.#wanted = false;
    const client = this.#client;
    this.#client = null;
    this.#wasConnected = false;
    this.#watchdog.reset();
    client?.disconnect();
    this.#fresh?.disconnect();
    const closed = new SchedulerError("STORE_CLOSED", "the scheduler was stopped meanwhile");
    this.#waiters.refuse(closed);
  }

  async #evalText(args: RunArgs): Promise<unknown> {
    try {
      const { script } = args;
      const keys = args.keys.flat();
      return await this.command("EVAL", script.text, String(keys.length), ...keys, ...args.args);
    } catch (error) {
      throw this.translate(error, args.verb);
    }
  }

  async #connectForEver(): Promise<void> {
    if (this.#connecting || this.#client !== null) return;
    this.#connecting = true;
    const life = this.#life;
    let pauseMs = 0;
    while (this.#wanted && this.#client === null && life === this.#life) {
      try {
        await this.#attempt(life);
      } catch {
        pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2 + 50);
        await this.#pause(pauseMs * (0.5 + this.#parts.chance.random() / 2));
      }
    }
    this.#connecting = false;
    // close() and a new whenReady() may have come while this one was asleep.
    if (this.#wanted && this.#client === null) void this.#connectForEver();
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#parts.clock.after(ms, resolve, { keepAlive: false });
    });
  }

  async #attempt(life: number): Promise<void> {
    this.#make ??= this.#parts.makeClient();
    const client = (await this.#make)();
    this.#address = addressOf(client);
    this.#fresh = client;
    let emptied: boolean;
    try {
      await this.#bounded(CONNECT_MS, client, connect(client));
      ({ emptied } = await this.#bounded(PREPARE_MS, client, this.#parts.prepare(client)));
    } catch (error) {
      client.disconnect();
      this.#lastError =
        error instanceof SchedulerError ? error : this.#failedPreparing(client, error);
      throw this.#lastError;
    } finally {
      this.#fresh = null;
    }
    if (life !== this.#life) {
      client.disconnect();
      throw new SchedulerError("STORE_CLOSED", "the scheduler was stopped meanwhile");
    }
    this.#adopt(client, emptied);
  }

  #failedPreparing(client: Client, error: unknown): SchedulerError {
    if (failureOf(error) === "lost") return unreachable(client, error);
    return refusal({ error, verb: "open", address: this.#address });
  }

  /** There is no watchdog yet. */
  async #bounded<T>(ms: number, client: Client, work: Promise<T>): Promise<T> {
    const timer = this.#parts.clock.after(ms, () => client.disconnect());
    try {
      return await work;
    } finally {
      timer.cancel();
    }
  }

  #adopt(client: Client, emptied: boolean): void {
    this.#client = client;
    this.#lastError = null;
    this.#watchdog.reset();
    this.#watchdog.heard();
    client.once("close", () => this.#lose(client, this.#lastError ?? new Error("socket closed")));
    client.stream?.unref?.();
    if (this.#wasConnected || emptied) this.#parts.onChange({ kind: "back", emptied });
    this.#wasConnected = true;
    this.#waiters.give(client);
  }

  #lose(client: Client, error: Error): void {
    if (this.#client !== client) return;
    this.#client = null;
    this.#watchdog.reset();
    this.#lastError = error;
    this.#parts.onChange({ kind: "lost", error });
    if (this.#wanted) void this.#connectForEver();
  }

  async #tracked(client: Client, send: () => Promise<unknown>): Promise<unknown> {
    if (this.#watchdog.begin() === 1) client.stream?.ref?.();
    try {
      return await send();
    } catch (error) {
      throw bareError(error);
    } finally {
      // After a loss the watchdog counts for the next connection.
      if (this.#client === client && this.#watchdog.end() === 0) client.stream?.unref?.();
    }
  }
}

function tooSlow(address: string): SchedulerError {
  const message = `Redis at ${address} is too slow: the calls before this one took all its time`;
  const fix = "nothing was sent: try again later; see what keeps the server busy, or push less";
  return new SchedulerError("STORE_UNREACHABLE", message, { fix });
}
