/**
 * The scripts of the Redis store with a clock that stands still: the time is what a key says, so
 * that instants can be compared to the ms. And mutants of them.
 */
import { scripts } from "../../src/store/redis/scripts.js";
import { changed, type Scripts, withBug } from "../support/mutate.js";

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

export function mutant(from: string, to: string): Scripts {
  return withBug(stillScripts, from, to);
}
