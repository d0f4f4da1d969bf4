/** What the largest loads do to a Redis server: its memory, its scripts, the keys that are left. */
import { Redis } from "ioredis";
import { heldBy } from "./bounds-probe.mjs";
import { percentile } from "./numbers.mjs";
import { number, table } from "./table.mjs";

/** @typedef {import("./bounds-probe.mjs").Held} Held */

/** Slower scripts than this are looked at one by one, µs. */
const SLOW_US = 1_000;
/** Longer than this no script holds up the server, where nobody interrupts it, ms. */
const LONGEST_MS = 5;

/**
 * The yardstick: always the same work, of some ms. What its longest run takes beyond its median
 * is the machine's doing, so as much may be in any other script's longest.
 */
const YARDSTICK = "local n = 0 for i = 1, 150000 do n = n + i % 7 end return n";
const YARDSTICK_NAME = "(yardstick: always the same)";

/** @param {Redis} client */
async function watchScripts(client) {
  const { scripts } = await import(
    new URL("../../dist/store/redis/scripts.js", import.meta.url).href
  );
  const verbs = new Map(
    Object.entries(scripts).map(([verb, { sha1 }]) => [/** @type {string} */ (sha1), verb]),
  );
  const yardstick = /** @type {string} */ (await client.script("LOAD", YARDSTICK));
  verbs.set(yardstick, YARDSTICK_NAME);
  await client.config("SET", "slowlog-log-slower-than", String(SLOW_US));
  await client.config("SET", "slowlog-max-len", "100000");
  await client.config("RESETSTAT");
  /** @type {Held[]} */
  const held = [];
  return {
    async collect() {
      for (let k = 0; k < 5; k += 1) await client.evalsha(yardstick, 0);
      held.push(...(await heldBy(client, verbs)));
      await client.slowlog("RESET");
      return held;
    },
  };
}

/** @param {Redis} client */
async function memoryMb(client) {
  const info = await client.info("memory");
  return Number(/used_memory:(\d+)/.exec(info)?.[1]) / 1e6;
}

/** @param {Redis} client */
async function scriptsRun(client) {
  const info = await client.info("commandstats");
  const [, calls, usec] = /cmdstat_evalsha:calls=(\d+),usec=(\d+)/.exec(info) ?? [];
  const cpu = await client.info("cpu");
  const seconds = [...cpu.matchAll(/used_cpu_(?:sys|user)_main_thread:([\d.]+)/g)];
  const cpuUs = seconds.reduce((sum, [, text]) => sum + Number(text) * 1e6, 0);
  const n = Number(calls);
  return { calls: n, meanUs: Number(usec) / n, cpuUs: cpuUs / n };
}

/** @param {readonly Held[]} held */
function tableOf(held) {
  const rows = [...new Set(held.map(({ verb }) => verb))].sort().map((verb) => {
    const own = held.filter((one) => one.verb === verb);
    const ms = own.map((one) => one.ms);
    const args = Math.max(...own.map((one) => one.args));
    const figures = [percentile(ms, 0.5), percentile(ms, 0.99), Math.max(...ms)];
    return [verb, String(own.length), ...figures.map((each) => number(each, 2)), String(args)];
  });
  const head = ["scripts over 1 ms", "number", "median ms", "p99 ms", "longest ms", "arguments"];
  return table(head, rows);
}

/** Keys that jobs stand in: none of them is left at the end. */
const OF_JOBS = [":jobs", ":later", ":due", ":ready", ":prio", ":claimed", ":lease"];

/** @param {readonly Held[]} held */
function tooLong(held) {
  const over = held.filter(({ ms }) => ms > LONGEST_MS);
  return over.map(({ verb, ms }) => `a script of ${verb} took ${number(ms, 1)} ms`);
}

/**
 * @param {number} port
 * @param {boolean} isRealTime the server is not interrupted: long scripts are a problem
 * @returns {Promise<import("./bounds-cases.mjs").Stand>}
 */
export async function redisStand(port, isRealTime) {
  const client = new Redis({ host: "127.0.0.1", port });
  const scripts = await watchScripts(client);
  /** @type {number[]} */
  const memory = [];
  return {
    options: { redisConfig: { host: "127.0.0.1", port } },
    weigh: async () => void memory.push(await memoryMb(client)),
    meanwhile: scripts.collect,
    async lines() {
      const stats = await scriptsRun(client);
      const mb = memory.map((each) => number(each, 1)).join(", ");
      return [
        ...tableOf(await scripts.collect()),
        `${stats.calls} scripts, mean ${number(stats.meanUs, 0)} µs by the clock, ` +
          `${number(stats.cpuUs, 0)} µs of CPU of the server`,
        ...(memory.length > 0 ? [`memory of Redis: before, parked, after: ${mb} MB`] : []),
      ];
    },
    async problems() {
      const left = await Promise.all(OF_JOBS.map(async (end) => (await client.keys(`*${end}`))[0]));
      const keys = left.filter((key) => key !== undefined);
      return [
        ...(keys.length > 0 ? [`keys are left: ${keys.join(", ")}`] : []),
        ...(isRealTime ? tooLong(await scripts.collect()) : []),
      ];
    },
    end: async () => client.disconnect(),
  };
}
