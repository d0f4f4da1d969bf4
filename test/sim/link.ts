/**
 * The store as one scheduler sees it: a connection over a network that loses things. Each call is
 * three events at least: it arrives or is lost, it is carried out, the answer arrives or is lost.
 *  1. messages of one connection keep their order, as those of a socket do
 *  2. a lost message shows as a lost connection, at once or when nothing has come for a while
 *  3. numbered calls are never carried out twice: a new connection asks first what became of them
 *  4. all others that were under way are unknown, and may be carried out late
 */
import { SchedulerError } from "../../src/core/errors.js";
import type { ConnectionChange, Store, StoreHealth, Wake } from "../../src/store/contract.js";
import { type Call, noAnswer, Route, type RouteParts, timeoutOf } from "./route.js";
import type { Outcome, Seat } from "./server.js";
import { NUMBERED, sent, VERBS, type Verb } from "./verbs.js";

export interface LinkParts extends RouteParts {
  identity: string;
}

/** No answer for so long while calls are under way, and the connection is replaced. */
export const PATIENCE_MS = 3_000;

export class Link {
  readonly #parts: LinkParts;
  readonly #seat: Seat;
  readonly #route: Route;
  readonly #wakeListeners = new Set<(wake: Wake) => void>();
  readonly #changeListeners = new Set<(change: ConnectionChange) => void>();
  #calls = 0;
  /** Sent, not answered. */
  #flight: Call[] = [];
  #queue: Call[] = [];
  /** Rises with each connection; what belongs to an older one is void. */
  #connection = 0;
  #state: "closed" | "connecting" | "open" = "closed";
  #tries = 0;
  #answeredAt: number | null = null;
  #lastError: string | null = null;
  #knownBirth: number | null = null;
  #wasLost = false;
  /** The connection on which answers are waited for. */
  #watchedConnection: number | null = null;

  constructor(parts: LinkParts) {
    this.#parts = parts;
    this.#seat = parts.server.seat(parts.identity);
    this.#route = new Route(parts, this.#seat, {
      connection: () => this.#connection,
      answered: (call, outcome) => this.#answered(call, outcome),
      again: (call) => this.#sendAgain(call),
      broken: (reason) => this.reset(reason),
    });
    this.#seat.store.onWake((wake) => this.#wake(wake));
  }

  /** The face that the scheduler is given. */
  store(): Store {
    const verbs = VERBS.map((verb) => [verb, (args: unknown) => this.#call(verb, args)]);
    const listening = <T>(listeners: Set<T>) => {
      return (listener: T) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      };
    };
    return {
      ...Object.fromEntries(verbs),
      shards: 1,
      onWake: listening(this.#wakeListeners),
      onConnection: listening(this.#changeListeners),
      health: () => this.#health(),
      close: () => this.#close(),
    } as Store;
  }

  /** What is under way, for the table of what was hit. */
  inFlight(): Verb[] {
    return this.#flight.map(({ verb }) => verb);
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** The process is gone; the server notices, or does not. */
  abandoned(noticedMs: number | null): void {
    const { timeline, server } = this.#parts;
    this.#connection += 1;
    this.#state = "closed";
    if (noticedMs !== null) timeline.in(noticedMs, () => server.leave(this.#seat));
  }

  /** The connection breaks; what was under way may have arrived or not. */
  reset(reason: string): void {
    if (this.#state !== "open") return;
    this.#connection += 1;
    this.#state = "connecting";
    this.#lastError = reason;
    this.#wasLost = true;
    const unknown = this.#flight.filter(({ verb }) => !NUMBERED.has(verb));
    this.#flight = this.#flight.filter(({ verb }) => NUMBERED.has(verb));
    for (const call of unknown) this.#fail(call, noAnswer(call.verb, reason));
    const error = new SchedulerError("STORE_UNREACHABLE", reason);
    this.#tell({ kind: "lost", error });
    this.#connectLater();
  }

  #call(verb: Verb, args: unknown): Promise<unknown> {
    const { timeline, machine } = this.#parts;
    timeline.touched(`${machine.name}: ${verb}`);
    return new Promise((resolve, reject) => {
      this.#calls += 1;
      const number = this.#calls;
      const call: Call = {
        ...{ number, verb, args: sent(verb, args), resolve, reject },
        ...{ timer: null, wasSent: false, at: 0, isGivenUp: false },
      };
      const timeoutMs = timeoutOf(verb, args);
      if (timeoutMs !== null) {
        call.timer = machine.arrives(timeline.now + timeoutMs, () => this.#giveUp(call));
      }
      this.#queue.push(call);
      if (this.#state === "closed") this.#connect();
      this.#sendAll();
    });
  }

  #giveUp(call: Call): void {
    const reason = "time is over";
    call.isGivenUp = true;
    this.#queue = this.#queue.filter((each) => each !== call);
    const unreachable = new SchedulerError("STORE_UNREACHABLE", `${call.verb}: ${reason}`);
    call.reject(call.wasSent ? noAnswer(call.verb, reason) : unreachable);
  }

  #sendAll(): void {
    if (this.#state !== "open") return;
    for (const call of this.#queue.splice(0)) this.#send(call);
  }

  #send(call: Call): void {
    call.wasSent = true;
    call.at = this.#parts.timeline.now;
    this.#flight.push(call);
    this.#route.send(call);
    this.#watch(this.#connection);
  }

  /** The server has lost its scripts: they are sent along once more. */
  #sendAgain(call: Call): void {
    if (!this.#flight.includes(call)) return;
    this.#flight = this.#flight.filter((each) => each !== call);
    if (!call.isGivenUp) this.#send(call);
  }

  #answered(call: Call, outcome: Outcome): void {
    this.#flight = this.#flight.filter((each) => each !== call);
    this.#end(call, outcome);
  }

  #end(call: Call, outcome: Outcome): void {
    this.#answeredAt = this.#parts.timeline.now;
    if (call.timer !== null) call.timer.isCancelled = true;
    if (outcome.isDone) call.resolve(outcome.value);
    else call.reject(outcome.error);
  }

  #fail(call: Call, error: Error): void {
    if (call.timer !== null) call.timer.isCancelled = true;
    if (!call.isGivenUp) call.reject(error);
  }

  /** Nothing may be under way for long without any answer. */
  #watch(connection: number): void {
    const { timeline, machine } = this.#parts;
    if (this.#watchedConnection === connection) return;
    this.#watchedConnection = connection;
    const began = timeline.now;
    machine.arrives(began + PATIENCE_MS, () => {
      if (connection !== this.#connection) return;
      this.#watchedConnection = null;
      if (this.#flight.length === 0) return;
      const isSilent = (this.#answeredAt ?? 0) < began && this.#flight.some((it) => it.at <= began);
      if (isSilent) this.reset("no answer for a long time");
      else this.#watch(connection);
    });
  }

  #connect(): void {
    this.#state = "connecting";
    this.#tries = 0;
    this.#connectLater();
  }

  #connectLater(): void {
    const { timeline, machine, dice } = this.#parts;
    const connection = this.#connection;
    const ms = this.#tries === 0 ? 1 : Math.min(50 * 2 ** this.#tries, 1_000) * dice.random();
    this.#tries += 1;
    machine.arrives(timeline.now + ms, () => {
      if (connection === this.#connection && this.#state === "connecting") this.#tryToConnect();
    });
  }

  #tryToConnect(): void {
    const { server, network, machine } = this.#parts;
    if (server.isDown || network.isCut(machine)) {
      this.#connectLater();
      return;
    }
    this.#tries = 0;
    this.#state = "open";
    this.#connection += 1;
    const emptied = this.#knownBirth !== null && this.#knownBirth !== server.birth;
    this.#knownBirth = server.birth;
    this.#askWhatBecame();
    this.#route.begin();
    if (this.#wasLost || emptied) this.#tell({ kind: "back", emptied });
    this.#wasLost = false;
    this.#sendAll();
  }

  /** Closes the old epoch: what ran is answered now, what did not is sent again. */
  #askWhatBecame(): void {
    const { answers } = this.#seat;
    const again: Call[] = [];
    for (const call of this.#flight.splice(0)) {
      const ran = answers.get(call.number);
      if (call.isGivenUp) continue;
      if (ran === undefined) again.push(call);
      else this.#end(call, ran.answer);
    }
    this.#seat.epoch += 1;
    answers.clear();
    for (const call of again) call.wasSent = false;
    this.#queue.unshift(...again);
  }

  #wake(wake: Wake): void {
    const { timeline, network, machine, server } = this.#parts;
    if (wake.kind === "handed") server.handed(this.#seat, wake.batch);
    if (this.#state !== "open" || network.losesWake(machine)) return;
    const connection = this.#connection;
    machine.arrives(timeline.now + network.delay(machine), () => {
      if (connection !== this.#connection || network.isCut(machine)) return;
      for (const listener of [...this.#wakeListeners]) listener(wake);
    });
  }

  #tell(change: ConnectionChange): void {
    for (const listener of [...this.#changeListeners]) listener(change);
  }

  #health(): StoreHealth {
    const sinceAnswerMs =
      this.#answeredAt === null ? null : this.#parts.timeline.now - this.#answeredAt;
    return { connected: this.isOpen, sinceAnswerMs, lastError: this.#lastError };
  }

  async #close(): Promise<void> {
    const { timeline, network, machine, server } = this.#parts;
    const closed = new SchedulerError("STORE_CLOSED", "the scheduler was stopped meanwhile");
    const isOpen = this.#state === "open";
    this.#connection += 1;
    this.#state = "closed";
    for (const call of this.#flight.splice(0)) this.#fail(call, noAnswer(call.verb, "closed"));
    for (const call of this.#queue.splice(0)) this.#fail(call, closed);
    if (!isOpen || network.isCut(machine)) return;
    const connection = this.#connection;
    timeline.in(network.delay(machine), () => {
      // It may have been opened again meanwhile.
      if (connection === this.#connection) server.leave(this.#seat);
    });
  }
}
