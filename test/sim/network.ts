/**
 * What lies between schedulers and the server: delays, cuts, wake-ups that get lost, and traps,
 * each of which waits for one call.
 */
import { type ErrorCode, SchedulerError } from "../../src/core/errors.js";
import type { Dice } from "./dice.js";
import type { Machine } from "./machine.js";
import type { Timeline } from "./timeline.js";
import type { Verb } from "./verbs.js";

/** How the server refuses: in these words, with this meaning. */
export type Refused = "STORE_REFUSED" | "STORE_FAILED" | "STORE_DAMAGED" | "STORE_UNREACHABLE";

export type TrapKind =
  | { kind: "loseRequest" }
  | { kind: "loseReply" }
  | { kind: "lateRequest"; ms: number }
  | { kind: "lateReply"; ms: number }
  /** The server has forgotten the scripts. */
  | { kind: "noScript" }
  /** `isDone`: it was carried out nevertheless, which only an unknown end may be. */
  | { kind: "error"; code: Refused; text: string; isDone: boolean };

/** `worker` and `verb` null: whoever comes first, whatever it asks. */
export type Trap = TrapKind & { verb: Verb | null; worker: number | null };

export interface NetworkParts {
  timeline: Timeline;
  dice: Dice;
  /** How long a message usually takes, ms. */
  usualMs: number;
  /** Told when a trap has caught a call. */
  caught: (trap: Trap, machine: Machine, verb: Verb) => void;
  /** Told when a call has been carried out. */
  carriedOut: (machine: Machine, verb: Verb) => void;
}

export class Network {
  readonly carriedOut: NetworkParts["carriedOut"];
  /** This part of all wake-ups gets lost. */
  lostWakes = 0;
  /** Told of each wake-up that got lost. */
  onLostWake: (machine: Machine) => void = () => {};
  readonly #parts: NetworkParts;
  /** Who is cut off, and what is on its way to or from there: it is sent until it arrives. */
  readonly #cut = new Map<string, (() => void)[]>();
  #traps: Trap[] = [];

  constructor(parts: NetworkParts) {
    this.#parts = parts;
    this.carriedOut = parts.carriedOut;
  }

  delay(_machine: Machine): number {
    return this.#parts.dice.wait(this.#parts.usualMs);
  }

  cut(machine: Machine): void {
    if (!this.isCut(machine)) this.#cut.set(machine.name, []);
  }

  mend(machine: Machine): void {
    const held = this.#cut.get(machine.name) ?? [];
    this.#cut.delete(machine.name);
    const { timeline } = this.#parts;
    held.forEach((arrive, n) => void timeline.at(timeline.now + this.#parts.usualMs, arrive, n));
  }

  /** True: it arrives when the cut is mended, unless nobody waits for it any more. */
  holds(machine: Machine, arrive: () => void): boolean {
    this.#cut.get(machine.name)?.push(arrive);
    return this.isCut(machine);
  }

  isCut(machine: Machine): boolean {
    return this.#cut.has(machine.name);
  }

  losesWake(machine: Machine): boolean {
    const isLost = this.#parts.dice.says(this.lostWakes);
    if (isLost) this.onLostWake(machine);
    return isLost;
  }

  set(trap: Trap): void {
    this.#traps.push(trap);
  }

  /** No trap is left. */
  clear(): void {
    this.#traps = [];
  }

  trapFor(machine: Machine, verb: Verb): Trap | null {
    const trap = this.#traps.find(
      (each) =>
        (each.verb === null || each.verb === verb) &&
        (each.worker === null || each.worker === machine.worker),
    );
    if (trap === undefined) return null;
    this.#traps = this.#traps.filter((each) => each !== trap);
    this.#parts.caught(trap, machine, verb);
    return trap;
  }

  refusal(trap: Trap, verb: Verb): { error: SchedulerError; isDone: boolean } | null {
    if (trap.kind !== "error") return null;
    const code: ErrorCode = trap.code;
    return { error: new SchedulerError(code, `${verb}: ${trap.text}`), isDone: trap.isDone };
  }
}
