/** The scripts of the Redis store with another text in them: other clocks, and planted bugs. */
import { createHash } from "node:crypto";
import type { Script, Verb } from "../../src/store/redis/scripts.js";

export type Scripts = Readonly<Record<Verb, Script>>;

export function changed(all: Scripts, change: (text: string) => string): Scripts {
  const entries = Object.entries(all).map(([verb, script]) => {
    const text = change(script.text);
    return [verb, { text, sha1: createHash("sha1").update(text).digest("hex") }];
  });
  return Object.fromEntries(entries) as Scripts;
}

/** In each script that has this text another one; in none: an error. */
export function withBug(all: Scripts, from: string, to: string): Scripts {
  let count = 0;
  const mutated = changed(all, (text) => {
    if (!text.includes(from)) return text;
    count += 1;
    return text.replace(from, () => to);
  });
  if (count === 0) throw new Error(`no script has the text ${JSON.stringify(from)}`);
  return mutated;
}

/** The bug that this run of the tests is to find, if any: `PLANTED='["text","other text"]'`. */
export function planted(all: Scripts): Scripts {
  const { PLANTED: given } = process.env;
  if (given === undefined) return all;
  const [from, to] = JSON.parse(given) as [string, string];
  return withBug(all, from, to);
}
