/** Randomness and ids: the only file that draws them. Tests give a seeded one. */
import { randomBytes } from "node:crypto";

export interface Chance {
  /** A number from 0 up to, not including, 1. */
  random(): number;
  /** A fresh identity: 20 characters of 0-9a-v, never configured, never reused. */
  identity(): string;
}

export const systemChance: Chance = {
  random: () => Math.random(),
  identity: () => {
    let text = "";
    for (const byte of randomBytes(20)) text += (byte & 31).toString(32);
    return text;
  },
};
