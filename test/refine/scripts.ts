/**
 * The scripts of the Redis store with a clock that stands still: the time is what a key says, so
 * that instants can be compared to the ms. And mutants of them.
 */
import { createHash } from "node:crypto";
import { type Script, scripts, type Verb } from "../../src/store/redis/scripts.js";

type Scripts = Readonly<Record<Verb, Script>>;

const REAL_CLOCK = `local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end`;

const STILL_CLOCK = `local function now_us()
  return tonumber(redis.call('GET', string.sub(KEYS[1], 1, -5) .. 'test:now')) * 1000
end`;

export const stillScripts: Scripts = changed(scripts, (text) =>
  text.replace(REAL_CLOCK, () => STILL_CLOCK),
);

/** In each script that has this text another one; in none: an error. */
export function mutant(from: string, to: string): Scripts {
  let count = 0;
  const mutated = changed(stillScripts, (text) => {
    if (!text.includes(from)) return text;
    count += 1;
    return text.replace(from, () => to);
  });
  if (count === 0) throw new Error(`no script has the text ${JSON.stringify(from)}`);
  return mutated;
}

function changed(all: Scripts, change: (text: string) => string): Scripts {
  const entries = Object.entries(all).map(([verb, script]) => {
    const text = change(script.text);
    return [verb, { text, sha1: createHash("sha1").update(text).digest("hex") }];
  });
  return Object.fromEntries(entries) as Scripts;
}
