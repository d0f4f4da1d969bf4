/**
 * Numbered calls: what is sent here runs once, however often the connection is lost.
 *  1. numbers the calls of one kind, at most four in flight
 *  2. after a lost answer, an error reply or a gap asks the store which call ran last (`resync`)
 *  3. gives the answers that were lost, sends again what did not run, in order
 *  4. gives up a call whose time is over, and never sends that one again
 * protocol/PROTOCOL.md, "Lost replies".
 */
import type { Clock, Timer } from "../../clock.js";
import { SchedulerError } from "../../core/errors.js";
import type { Link } from "./link.js";
import { brokenOff, type Failure, failureOf, noAnswer } from "./replies.js";
import type { Script } from "./scripts.js";
import type { KeyGroups } from "./wire.js";

const MOST_IN_FLIGHT = 4;
const RESYNC_PAUSE_MS = 100;
/** One that is given up is not sent again: so it never runs. */
const DID_NOT_RUN: ReadonlySet<string> = new Set<Failure>(["notRun", "noScript", "unfit"]);

export interface LaneParts {
  /** Names the lane in the session: "push" or "work". */
  name: string;
  connection: Link;
  clock: Clock;
  script: Script;
  resync: Script;
  /** The shard's and the session's keys. */
  keys: KeyGroups;
  /** Loads all scripts into the server. */
  loadScripts: () => Promise<void>;
  /** Told when the store does not know a session that it knew: has it lost its data? */
  onForgotten: () => void;
}

export interface LaneCall {
  /** Keys of tasks, after the base keys. */
  keys: KeyGroups;
  args: readonly string[];
  /** null: as long as it takes. */
  timeoutMs: number | null;
}

interface Entry extends LaneCall {
  seq: number;
  /** pending: sent, nothing heard. */
  fate: "queued" | "pending" | Failure;
  error: unknown;
  timer: Timer | null;
  abandoned: boolean;
  resolve(reply: readonly unknown[]): void;
  reject(error: Error): void;
}

export class Lane {
  readonly #parts: LaneParts;
  #epoch = 0;
  #seq = 0;
  #open = false;
  #syncing = false;
  #queue: Entry[] = [];
  #flight: Entry[] = [];
  #life = 0;

  constructor(parts: LaneParts) {
    this.#parts = parts;
  }

  /** Rises with close(). */
  get life(): number {
    return this.#life;
  }

  /** The reply; only its first element when the answer was lost and asked for again. */
  submit(call: LaneCall): Promise<readonly unknown[]> {
    return new Promise((resolve, reject) => {
      const entry: Entry = {
        ...call,
        seq: 0,
        fate: "queued",
        error: null,
        timer: null,
        abandoned: false,
        resolve,
        reject,
      };
      if (call.timeoutMs !== null) {
        entry.timer = this.#parts.clock.after(call.timeoutMs, () => this.#giveUp(entry));
      }
      this.#queue.push(entry);
      this.#pump();
    });
  }

  /** The session is gone: number anew before the next call. */
  reopen(): void {
    this.#open = false;
    void this.#sync();
  }

  /** All calls end: those in flight as unknown, the others as not done. */
  close(): void {
    this.#life += 1;
    this.#open = false;
    const closed = new SchedulerError("STORE_CLOSED", "the scheduler was stopped meanwhile");
    for (const entry of this.#flight.splice(0)) {
      this.#fail(entry, noAnswer(this.#parts.name, this.#parts.connection.address, closed));
    }
    for (const entry of this.#queue.splice(0)) this.#fail(entry, closed);
  }

  #pump(): void {
    if (!this.#open) {
      void this.#sync();
      return;
    }
    while (this.#flight.length < MOST_IN_FLIGHT) {
      const entry = this.#queue.shift();
      if (entry === undefined) return;
      this.#send(entry);
    }
  }

  #send(entry: Entry): void {
    this.#seq += 1;
    entry.seq = this.#seq;
    entry.fate = "pending";
    this.#flight.push(entry);
    const { connection, script, keys } = this.#parts;
    const args = [String(this.#epoch), String(entry.seq), ...entry.args];
    connection.evalsha(script, [...keys, ...entry.keys], args).then(
      (reply) => this.#answered(entry, reply as readonly unknown[]),
      (error: unknown) => this.#broken(entry, error),
    );
  }

  #answered(entry: Entry, reply: readonly unknown[]): void {
    const at = this.#flight.indexOf(entry);
    if (at === -1) return;
    this.#flight.splice(at, 1);
    entry.timer?.cancel();
    entry.resolve(reply);
    this.#pump();
  }

  #broken(entry: Entry, error: unknown): void {
    if (!this.#flight.includes(entry)) return;
    entry.fate = failureOf(error);
    entry.error = error;
    if (error instanceof SchedulerError) entry.fate = "notRun";
    if (entry.fate === "unfit") this.#parts.connection.drop(error);
    this.#open = false;
    void this.#sync();
  }

  #giveUp(entry: Entry): void {
    const { connection, name } = this.#parts;
    entry.abandoned = true;
    const at = this.#queue.indexOf(entry);
    if (at !== -1) this.#queue.splice(at, 1);
    const isKnown = entry.fate === "queued" || DID_NOT_RUN.has(entry.fate);
    entry.reject(isKnown ? connection.unreachable() : noAnswer(name, connection.address));
  }

  /** Waits until every call in flight has ended one way or the other, then starts a new epoch. */
  async #sync(): Promise<void> {
    if (this.#syncing || this.#flight.some((entry) => entry.fate === "pending")) return;
    this.#syncing = true;
    const life = this.#life;
    try {
      const reply = await this.#askUntilAnswered(life);
      if (reply !== null && life === this.#life) this.#startEpoch(reply);
    } finally {
      this.#syncing = false;
    }
    if (life !== this.#life && this.#queue.length > 0) void this.#sync();
    if (this.#open) this.#pump();
  }

  async #askUntilAnswered(life: number): Promise<readonly string[] | null> {
    const { connection, resync, keys, name } = this.#parts;
    const epoch = String(this.#epoch + 1);
    while (life === this.#life) {
      try {
        await connection.whenReady();
        if (this.#flight.some((entry) => entry.fate === "noScript"))
          await this.#parts.loadScripts();
        const args = { verb: "resync", script: resync, keys, args: [name, epoch] };
        return (await connection.run(args)) as string[];
      } catch {
        if (life === this.#life) await this.#pause();
      }
    }
    return null;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#parts.clock.after(RESYNC_PAUSE_MS, resolve, { keepAlive: false });
    });
  }

  #startEpoch(reply: readonly string[]): void {
    const [known, last, ...answers] = reply;
    const again: Entry[] = [];
    for (const entry of this.#flight.splice(0)) {
      if (entry.abandoned) continue;
      if (known === "1" && entry.seq <= Number(last)) this.#recover(entry, answers);
      else if (entry.fate === "refused") this.#fail(entry, this.#refusal(entry));
      else if (entry.fate === "lost" && known !== "1") this.#fail(entry, this.#lost(entry));
      else again.push(entry);
    }
    for (const entry of again) entry.fate = "queued";
    this.#queue.unshift(...again);
    if (known !== "1" && this.#epoch > 0) this.#parts.onForgotten();
    this.#epoch += 1;
    this.#seq = 0;
    this.#open = true;
  }

  /** It ran; its answer is among the last four, or it got half-way only. */
  #recover(entry: Entry, answers: readonly string[]): void {
    const answer = answers[entry.seq % answers.length];
    if (answer === undefined || answer === "") {
      const brokenOff = entry.fate === "refused";
      this.#fail(entry, brokenOff ? this.#brokenOff(entry) : this.#lost(entry));
      return;
    }
    entry.timer?.cancel();
    entry.resolve([answer]);
  }

  #fail(entry: Entry, error: Error): void {
    entry.timer?.cancel();
    if (!entry.abandoned) entry.reject(error);
  }

  #refusal(entry: Entry): SchedulerError {
    return this.#parts.connection.translate(entry.error, this.#parts.name);
  }

  #brokenOff(entry: Entry): SchedulerError {
    const { connection, name } = this.#parts;
    return brokenOff({ error: entry.error, verb: name, address: connection.address });
  }

  #lost(entry: Entry): SchedulerError {
    return noAnswer(this.#parts.name, this.#parts.connection.address, entry.error);
  }
}
