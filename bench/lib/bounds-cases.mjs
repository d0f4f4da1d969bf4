/** The largest loads: what they leave behind, and what held up the server and the processes. */
import { fork } from "node:child_process";
import { setPriority } from "node:os";
import { setTimeout as wait } from "node:timers/promises";
import { Redis } from "ioredis";
import { heldBy } from "./bounds-probe.mjs";
import { number, table } from "./table.mjs";

/** @typedef {{ title: string, lines: string[], problems: string[] }} Outcome */
/** @typedef {import("./bounds-probe.mjs").Held} Held */

/**
 * @typedef {object} Facts of a worker process
 * @property {number} ran
 * @property {number} lastAt
 * @property {number[]} waits
 * @property {number} heapMb
 * @property {number} p999Ms
 * @property {number} worstMs
 * @property {number} handles
 */

const { href } = new URL("../../dist/bundle/index.js", import.meta.url);
/** @type {typeof import("../../src/index.js")} */
const { createScheduler } = await import(href);

const WORKER = new URL("./bounds-worker.mjs", import.meta.url);
const WORKERS = 2;
const LIMIT_MS = 400_000;
const PIECE = 5_000;

/** Slower scripts than this are looked at one by one, µs. */
const SLOW_US = 1_000;

/** @param {import("./bounds-worker.mjs").Orders} orders */
function startWorker(orders) {
  const child = fork(WORKER, [JSON.stringify(orders)], { execArgv: ["--expose-gc"] });
  // Where cores are few, a script would be timed together with what it waited for a core.
  if (child.pid !== undefined) setPriority(child.pid, 19);
  /** @type {(word: string) => Promise<Facts>} */
  const ask = (word) =>
    new Promise((resolve, reject) => {
      child.once("exit", reject);
      /** @param {any} said */
      const hear = (said) => {
        if (said.word !== word) return;
        child.off("message", hear);
        child.off("exit", reject);
        resolve(said.answer);
      };
      child.on("message", hear);
      child.send(word);
    });
  return { ask };
}

/** @param {number} port */
async function watchServer(port) {
  const { scripts } = await import(
    new URL("../../dist/store/redis/scripts.js", import.meta.url).href
  );
  const verbs = new Map(
    Object.entries(scripts).map(([verb, { sha1 }]) => [/** @type {string} */ (sha1), verb]),
  );
  const client = new Redis({ host: "127.0.0.1", port });
  await client.config("SET", "slowlog-log-slower-than", String(SLOW_US));
  await client.config("SET", "slowlog-max-len", "100000");
  await client.config("RESETSTAT");
  /** @type {Held[]} */
  const held = [];
  return {
    client,
    verbs,
    async collect() {
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

/** @param {readonly number[]} values @param {number} share */
function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** @param {readonly Held[]} held */
function tableOf(held) {
  const rows = [...new Set(held.map(({ verb }) => verb))].sort().map((verb) => {
    const own = held.filter((one) => one.verb === verb);
    const ms = own.map((one) => one.ms);
    const args = Math.max(...own.map((one) => one.args));
    const figures = [quantile(ms, 0.5), quantile(ms, 0.99), Math.max(...ms)];
    return [verb, String(own.length), ...figures.map((each) => number(each, 2)), String(args)];
  });
  const head = ["scripts over 1 ms", "number", "median ms", "p99 ms", "longest ms", "arguments"];
  return table(head, rows);
}

/** @param {readonly Facts[]} facts */
function workerLines(facts) {
  return facts.map(
    (one, k) =>
      `worker ${k + 1}: ran ${one.ran}, heap ${number(one.heapMb, 0)} MB, event loop p99.9 ` +
      `${number(one.p999Ms, 1)} ms, worst ${number(one.worstMs, 1)} ms, ${one.handles} handles`,
  );
}

/** @param {Redis} client @param {string} end */
async function leftIn(client, end) {
  const keys = await client.keys(`*${end}`);
  return keys.length;
}

/**
 * Pushes jobs that are due at the same instant.
 * @param {import("../../src/index.js").Scheduler<any>} producer
 * @param {{ jobs: number, taskIds: string[], isMixed: boolean, dueAt: number }} load
 */
async function park(producer, { jobs, taskIds, isMixed, dueAt }) {
  const runAt = new Date(dueAt);
  /** @param {number} n */
  const optionsOf = (n) => {
    if (!isMixed) return { runAt };
    const retry = n % 2 === 0 ? { attempts: 3 } : false;
    return { runAt, id: `job ${n}`, priority: n % 3, retry };
  };
  for (let from = 0; from < jobs; from += PIECE) {
    const taskId = taskIds[(from / PIECE) % taskIds.length] ?? "";
    const items = Array.from({ length: Math.min(PIECE, jobs - from) }, (_, k) => ({
      data: { n: from + k },
      ...optionsOf(from + k),
    }));
    await producer.pushMany(taskId, items);
  }
}

/**
 * @param {number} port
 * @param {{ jobs: number, tasks: number, isMixed: boolean }} load
 * @returns {Promise<Outcome>}
 */
export async function parkedCase(port, { jobs, tasks, isMixed }) {
  const taskIds = Array.from({ length: tasks }, (_, n) => `parked-${n}`);
  const server = await watchServer(port);
  const { client } = server;
  const memoryBefore = await memoryMb(client);
  const producer = createScheduler({ redisConfig: { host: "127.0.0.1", port }, logger: false });
  const dueAt = Date.now() + 5_000 + jobs / 10;
  await park(producer, { jobs, taskIds, isMixed, dueAt });
  const parkedIn = Date.now() - dueAt;
  const memoryParked = await memoryMb(client);
  const workers = Array.from({ length: WORKERS }, () =>
    startWorker({ port, taskIds, schedules: 0, every: "" }),
  );
  const before = await Promise.all(workers.map(({ ask }) => ask("begin")));
  await wait(Math.max(0, dueAt - Date.now()));
  const from = Date.now();
  let ran = 0;
  while (ran < jobs && Date.now() - from < LIMIT_MS) {
    await producer.push("other", { data: { at: Date.now() } });
    await wait(100);
    await server.collect();
    const facts = await Promise.all(workers.map(({ ask }) => ask("facts")));
    ran = facts.reduce((sum, one) => sum + one.ran, 0);
  }
  const tookMs = Date.now() - from;
  await wait(1_000);
  const after = await Promise.all(workers.map(({ ask }) => ask("end")));
  const held = await server.collect();
  const stats = await scriptsRun(client);
  const waits = after.flatMap((one) => one.waits);
  const kinds = [":jobs", ":later", ":due", ":ready", ":prio", ":claimed", ":lease"];
  const left = await Promise.all(kinds.map((end) => leftIn(client, end)));
  const memoryAfter = await memoryMb(client);
  const problems = [];
  if (ran !== jobs) problems.push(`${ran} of ${jobs} jobs have run`);
  if (parkedIn > 0) problems.push(`parking took ${parkedIn} ms too long: not all were due at once`);
  if (left.some((n) => n > 0)) problems.push(`keys are left: ${left}`);
  await producer.stop();
  client.disconnect();
  return {
    title:
      `${jobs} delayed jobs due at once, ${tasks} tasks` +
      `${isMixed ? ", with ids, priorities and retry" : ""}, ${WORKERS} processes`,
    lines: [
      ...tableOf(held),
      `${number(tookMs / 1_000, 1)} s, ${number((jobs / tookMs) * 1_000, 0)} jobs/s; ` +
        `${stats.calls} scripts, mean ${number(stats.meanUs, 0)} µs by the clock, ` +
        `${number(stats.cpuUs, 0)} µs of CPU of the server`,
      `other jobs pushed meanwhile: ${waits.length}, begun after p50 ${quantile(waits, 0.5)} ms, ` +
        `p99 ${quantile(waits, 0.99)} ms`,
      `memory of Redis: ${number(memoryBefore, 1)} MB, parked ${number(memoryParked, 1)} MB, ` +
        `after ${number(memoryAfter, 1)} MB`,
      ...workerLines(after),
      `heap at the beginning: ${before.map((one) => `${number(one.heapMb, 0)} MB`).join(", ")}; ` +
        `handles ${before.map((one) => one.handles).join(", ")}`,
    ],
    problems,
  };
}

/**
 * @param {number} port
 * @param {{ schedules: number }} load
 * @returns {Promise<Outcome>}
 */
export async function schedulesCase(port, { schedules }) {
  const server = await watchServer(port);
  const { client } = server;
  const start = new Date(Math.ceil((Date.now() + 45_000) / 60_000) * 60_000);
  const every = `0 ${start.getUTCMinutes()} ${start.getUTCHours()} * * *`;
  const taskIds = ["report"];
  const workers = Array.from({ length: WORKERS }, () =>
    startWorker({ port, taskIds, schedules, every }),
  );
  await Promise.all(workers.map(({ ask }) => ask("begin")));
  const lines = [];
  let ran = 0;
  while (ran < schedules && Date.now() < start.getTime() + LIMIT_MS / 4) {
    await wait(100);
    await server.collect();
    ran = (await Promise.all(workers.map(({ ask }) => ask("facts")))).reduce(
      (n, one) => n + one.ran,
      0,
    );
  }
  const reader = createScheduler({ redisConfig: { host: "127.0.0.1", port }, logger: false });
  let fired = 0;
  for (let n = 0; n < schedules; n += Math.ceil(schedules / 200)) {
    const ledger = await reader.schedules.ledger(`s-${n}`);
    if (ledger.length === 1 && ledger[0]?.outcome === "fired") fired += 1;
  }
  const sample = Math.ceil(schedules / Math.ceil(schedules / 200));
  await reader.stop();
  const held = await server.collect();
  const facts = await Promise.all(workers.map(({ ask }) => ask("end")));
  const lastAt = Math.max(...facts.map((one) => one.lastAt));
  const problems = [];
  if (ran !== schedules) problems.push(`${ran} of ${schedules} occurrences have run`);
  if (fired !== sample) problems.push(`${fired} of ${sample} ledgers say: fired once`);
  client.disconnect();
  lines.push(...tableOf(held), ...workerLines(facts));
  lines.push(
    `the last has run ${number((lastAt - start.getTime()) / 1_000, 2)} s after its instant`,
  );
  return {
    title: `${schedules} schedules due in the same second, ${WORKERS} processes`,
    lines,
    problems,
  };
}
