/**
 * The way of one call: the request arrives or is lost, the server carries it out or refuses, the
 * answer arrives or is lost. Messages of one connection keep their order, as those of a socket do.
 */
import { SchedulerError } from "../../src/core/errors.js";
import type { Dice } from "./dice.js";
import type { Machine } from "./machine.js";
import type { Network, Trap } from "./network.js";
import type { Outcome, Seat, Server } from "./server.js";
import type { Planned, Timeline } from "./timeline.js";
import { NUMBERED, type Verb } from "./verbs.js";

export interface RouteParts {
  timeline: Timeline;
  machine: Machine;
  server: Server;
  network: Network;
  dice: Dice;
}

export interface Call {
  number: number;
  verb: Verb;
  args: unknown;
  resolve: (answer: unknown) => void;
  reject: (error: unknown) => void;
  timer: Planned | null;
  wasSent: boolean;
  /** When it was sent last. */
  at: number;
  /** Its caller has been told that time is over. */
  isGivenUp: boolean;
}

/** Who sends calls and waits for their answers. */
export interface Sender {
  /** Which connection it has now. */
  connection(): number;
  answered(call: Call, outcome: Outcome): void;
  /** It has to be sent once more. */
  again(call: Call): void;
  /** The connection that it has is broken. */
  broken(reason: string): void;
}

interface Trip {
  call: Call;
  connection: number;
  epoch: number;
  trap: Trap | null;
}

const CONNECT_WITHIN_MS = 5_000;

export class Route {
  readonly #parts: RouteParts;
  readonly #seat: Seat;
  readonly #sender: Sender;
  #lastSentAt = 0;
  #lastAnswerAt = 0;

  constructor(parts: RouteParts, seat: Seat, sender: Sender) {
    this.#parts = parts;
    this.#seat = seat;
    this.#sender = sender;
  }

  /** A new connection: nothing is under way on it. */
  begin(): void {
    this.#lastSentAt = 0;
    this.#lastAnswerAt = 0;
  }

  send(call: Call): void {
    const { timeline, network, machine } = this.#parts;
    const trap = network.trapFor(machine, call.verb);
    const connection = this.#sender.connection();
    const trip: Trip = { call, connection, epoch: this.#seat.epoch, trap };
    if (trap?.kind === "loseRequest") {
      this.#later(trip, () => this.#sender.broken("a request was lost"));
      return;
    }
    const lateMs = trap?.kind === "lateRequest" ? trap.ms : 0;
    const at = Math.max(this.#lastSentAt, timeline.now + network.delay(machine)) + lateMs;
    this.#lastSentAt = at;
    timeline.at(at, () => void this.#arrived(trip));
  }

  /** The server has the request. */
  async #arrived(trip: Trip): Promise<void> {
    const { server, network, machine, timeline } = this.#parts;
    const { call, epoch, trap } = trip;
    if (server.isDown) {
      this.#later(trip, () => this.#sender.broken("the server is gone"));
      return;
    }
    if (network.holds(machine, () => void this.#arrived(trip))) return;
    if (trap?.kind === "noScript") {
      this.#later(trip, () => this.#sender.again(call));
      return;
    }
    // What an old connection left behind: numbered calls are refused, the others are as new.
    const isNumbered = NUMBERED.has(call.verb);
    if (isNumbered && epoch !== this.#seat.epoch) return;
    const outcome = await this.#carryOut(trip);
    if (isNumbered) this.#seat.answers.set(call.number, { answer: outcome, at: timeline.now });
    network.carriedOut(machine, call.verb);
    this.#answer(trip, outcome);
  }

  async #carryOut({ call, trap }: Trip): Promise<Outcome> {
    const { server, network } = this.#parts;
    const refusal = trap === null ? null : network.refusal(trap, call.verb);
    if (refusal !== null && !refusal.isDone) return { isDone: false, error: refusal.error };
    const outcome = await server.carryOut(this.#seat, call.verb, call.args);
    return refusal === null ? outcome : { isDone: false, error: refusal.error };
  }

  #answer(trip: Trip, outcome: Outcome): void {
    const { timeline, network, machine } = this.#parts;
    const { call, connection, trap } = trip;
    if (trap?.kind === "loseReply" || connection !== this.#sender.connection()) {
      this.#later(trip, () => this.#sender.broken("an answer was lost"));
      return;
    }
    const lateMs = trap?.kind === "lateReply" ? trap.ms : 0;
    const at = Math.max(this.#lastAnswerAt, timeline.now + network.delay(machine)) + lateMs;
    this.#lastAnswerAt = at;
    const arrive = (): void => {
      const again = (): void => void machine.arrives(timeline.now, arrive);
      if (connection !== this.#sender.connection() || network.holds(machine, again)) return;
      this.#sender.answered(call, outcome);
    };
    machine.arrives(at, arrive);
  }

  /** The sender sees it after a moment, if it has that connection still. */
  #later({ connection }: Trip, run: () => void): void {
    const { timeline, network, machine } = this.#parts;
    machine.arrives(timeline.now + network.delay(machine), () => {
      if (connection === this.#sender.connection()) run();
    });
  }
}

/** How long a call may take, sent or not. */
export function timeoutOf(verb: Verb, args: unknown): number | null {
  if (verb === "work") return null;
  if (verb === "push") return (args as { timeoutMs: number }).timeoutMs;
  return CONNECT_WITHIN_MS;
}

export function noAnswer(verb: Verb, reason: string): SchedulerError {
  return new SchedulerError("STORE_NO_ANSWER", `${verb}: no answer came: ${reason}`);
}
