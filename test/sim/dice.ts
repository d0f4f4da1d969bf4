/**
 * Chance that can be had again: everything that a simulated world draws comes from one seed. Each
 * purpose has dice of its own, so that a fault that is taken out does not change all that follows.
 */
import type { Chance } from "../../src/chance.js";

export class Dice implements Chance {
  #state: number;

  /** The same seed and name give the same numbers. */
  constructor(seed: number, name: string) {
    this.#state = mix(seed ^ hashOf(name));
  }

  /** From 0 up to, not including, 1. */
  random(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    return (mix(this.#state) >>> 0) / 2 ** 32;
  }

  identity(): string {
    let text = "";
    for (let n = 0; n < 20; n += 1) text += this.whole(0, 31).toString(32);
    return text;
  }

  /** A whole number, both ends included. */
  whole(from: number, to: number): number {
    return from + Math.floor(this.random() * (to - from + 1));
  }

  /** True in this part of all cases. */
  says(part: number): boolean {
    return this.random() < part;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.whole(0, from.length - 1)] as T;
  }

  /** Mostly short, now and then long: between 0 and about eight times `usualMs`. */
  wait(usualMs: number): number {
    return Math.round(usualMs * -Math.log(1 - this.random() * 0.9997) * 1_000) / 1_000;
  }
}

/** A number of 32 bits for a text. */
export function hashOf(text: string, from = 0x811c9dc5): number {
  let hash = from;
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return hash;
}

function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 15), value | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return mixed ^ (mixed >>> 14);
}
