/**
 * What one call of the store holds up: on Redis the time of its scripts, as SLOWLOG has it; on
 * SQLite how long the event loop of this process stood still.
 */
import { Redis } from "ioredis";

/**
 * @typedef {object} Held one script, or one stand-still
 * @property {string} verb
 * @property {number} ms by the wall clock: on a busy machine others' time, too
 * @property {number} [cpuMs] of the server, for all of the call: the mean, where it is several
 * @property {number} args how many
 */

/**
 * @typedef {object} Probe
 * @property {(verb: string, work: () => Promise<unknown>) => Promise<Held[]>} during
 * @property {() => Promise<void>} end
 */

/** The address of the script is its first argument; then the number of keys. */
const EVALSHA = /^(?:EVALSHA|EVALSHA_RO)$/i;

/** SLOWLOG shows so many arguments at most, the last of them a sentence that counts the others. */
const MORE = /\((\d+) more arguments\)/;

/**
 * @param {number} port
 * @param {ReadonlyMap<string, string>} verbs by the sha1 of their scripts
 * @returns {Promise<Probe>}
 */
export async function probeRedis(port, verbs) {
  const client = new Redis({ host: "127.0.0.1", port });
  await client.config("SET", "slowlog-log-slower-than", "50");
  await client.config("SET", "slowlog-max-len", "20000");
  return {
    async during(verb, work) {
      await client.slowlog("RESET");
      const before = await cpuMs(client);
      await work();
      const spent = (await cpuMs(client)) - before;
      const held = (await heldBy(client, verbs)).filter((one) => one.verb === verb);
      for (const one of held) one.cpuMs = spent / held.length;
      return held;
    },
    end: async () => client.disconnect(),
  };
}

/**
 * All scripts that SLOWLOG has.
 * @param {Redis} client
 * @param {ReadonlyMap<string, string>} verbs
 * @returns {Promise<Held[]>}
 */
export async function heldBy(client, verbs) {
  const entries = /** @type {[number, number, number, string[]][]} */ (
    await client.slowlog("GET", "-1")
  );
  return entries.flatMap(([, , micros, words]) => {
    const verb = EVALSHA.test(words[0] ?? "") ? verbs.get(words[1] ?? "") : undefined;
    if (verb === undefined) return [];
    const more = Number(MORE.exec(words.at(-1) ?? "")?.[1] ?? 0);
    return [{ verb, ms: micros / 1_000, args: words.length - 3 + Math.max(0, more - 1) }];
  });
}

/**
 * Of the thread that runs scripts.
 * @param {Redis} client
 */
async function cpuMs(client) {
  const info = await client.info("cpu");
  const seconds = [...info.matchAll(/used_cpu_(?:sys|user)_main_thread:([\d.]+)/g)];
  return seconds.reduce((sum, [, text]) => sum + Number(text) * 1_000, 0);
}

/** @returns {Probe} */
export function probeLoop() {
  return {
    async during(verb, work) {
      let last = performance.now();
      let longest = 0;
      let isOver = false;
      const turn = () => {
        const now = performance.now();
        longest = Math.max(longest, now - last);
        last = now;
        if (!isOver) setImmediate(turn);
      };
      setImmediate(turn);
      await work();
      longest = Math.max(longest, performance.now() - last);
      isOver = true;
      return [{ verb, ms: longest, args: 0 }];
    },
    end: async () => {},
  };
}
