/** The scripts with a clock that tests move by hand. Generated from protocol/lua by `npm run build:lua`; change the .lua files instead. */
import { createHash } from "node:crypto";
import { type Script, scripts, type Verb } from "./scripts.js";

const REAL_CLOCK = `local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end`;

const TEST_CLOCK = `local function now_us()
  local time = redis.call('TIME')
  local offset_ms = redis.call('GET', string.sub(KEYS[1], 1, -5) .. 'test:offset')
  return time[1] * 1000000 + time[2] + (tonumber(offset_ms or '0')) * 1000
end`;

function withTestClock(script: Script): Script {
  const text = script.text.replace(REAL_CLOCK, () => TEST_CLOCK);
  return { text, sha1: createHash("sha1").update(text).digest("hex") };
}

export const testScripts: Readonly<Record<Verb, Script>> = Object.fromEntries(
  Object.entries(scripts).map(([verb, script]) => [verb, withTestClock(script)]),
) as Record<Verb, Script>;
