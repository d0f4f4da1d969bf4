/** What a producer's process does: fills, pushes in several ways, and measures itself meanwhile. */
import { setTimeout as wait } from "node:timers/promises";
import { nowMs } from "./numbers.mjs";
import { payloadOf, payloads } from "./payload.mjs";

/**
 * @typedef {import("./system.mjs").System} System
 * @typedef {import("./system.mjs").Place} Place
 * @typedef {import("./system.mjs").Producer} Producer
 * @typedef {{ taskId: string, jobs: number, bytes: number }} Load
 */

/** How many jobs a bulk push carries, where nothing else is said. */
const BULK = 1_000;

/** How many delayed pushes are under way at once. */
const LANES = 4;

/**
 * @param {System} system
 * @param {Place} place
 */
export function producer(system, place) {
  /** @type {Promise<Producer> | null} */
  let opening = null;
  const open = () => {
    opening ??= system.produce(place);
    return opening;
  };
  return {
    /** @param {Load & { per?: number, delayMs?: number }} args */
    many: async (args) => many(await open(), args),
    /** @param {Load & { inFlight: number }} args */
    single: async (args) => single(await open(), args),
    /** @param {Load} args */
    alone: async (args) => alone(await open(), args),
    /** @param {Load & { gapMs: number }} args */
    paced: async (args) => paced(await open(), args),
    /** @param {Load & { fromMs: number, toMs: number }} args */
    delayed: async (args) => delayed(await open(), args),
    /** @param {{ taskId: string }} args */
    left: async ({ taskId }) => (await open()).left(taskId),
    close: async () => (await open()).close(),
  };
}

/**
 * Runs `work` and says what it took of this process.
 * @param {() => Promise<unknown>} work
 */
async function measured(work) {
  const cpu = process.cpuUsage();
  const from = nowMs();
  await work();
  const ms = nowMs() - from;
  const { user, system } = process.cpuUsage(cpu);
  return { ms, cpuUs: user + system };
}

/**
 * Bulk pushes, one after the other.
 * @param {Producer} own
 * @param {Load & { per?: number, delayMs?: number }} args
 */
function many(own, { taskId, jobs, bytes, per = BULK, delayMs = 0 }) {
  const items = payloads(jobs, bytes);
  return measured(async () => {
    for (let at = 0; at < jobs; at += per) {
      await own.pushMany(taskId, items.slice(at, at + per), delayMs);
    }
  });
}

/**
 * Single pushes, each awaited, so many at once.
 * @param {Producer} own
 * @param {Load & { inFlight: number }} args
 */
function single(own, { taskId, jobs, bytes, inFlight }) {
  const items = payloads(jobs, bytes);
  return measured(() => inLanes(items, inFlight, (item) => own.push(taskId, item, 0)));
}

/**
 * @template T
 * @param {readonly T[]} items
 * @param {number} lanes
 * @param {(item: T) => Promise<unknown>} each
 */
async function inLanes(items, lanes, each) {
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const item = /** @type {T} */ (items[next]);
      next += 1;
      await each(item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(lanes, items.length) }, lane));
}

/**
 * One push after the other, each awaited, nothing else under way; says how long each took.
 * @param {Producer} own
 * @param {Load} args
 */
async function alone(own, { taskId, jobs, bytes }) {
  /** @type {number[]} */
  const times = [];
  const took = await measured(async () => {
    for (const item of payloads(jobs, bytes)) {
      const from = nowMs();
      await own.push(taskId, item, 0);
      times.push(nowMs() - from);
    }
  });
  return { ...took, times };
}

/**
 * Single pushes with pauses of `gapMs`, give or take a half, so that the system is idle again;
 * each carries the instant at which it was pushed.
 * @param {Producer} own
 * @param {Load & { gapMs: number }} args
 */
async function paced(own, { taskId, jobs, bytes, gapMs }) {
  for (let n = 0; n < jobs; n += 1) {
    // Spread evenly, the same in every run, and in step with nobody's timer.
    await wait(gapMs * (0.5 + ((n * 0.618034) % 1)));
    await own.push(taskId, payloadOf(n, nowMs(), bytes), 0);
  }
}

/**
 * Delayed pushes, a few at once, with delays spread evenly; each carries the instant at which it
 * is due, counted from the call: a start before it is a start too early.
 * @param {Producer} own
 * @param {Load & { fromMs: number, toMs: number }} args
 */
async function delayed(own, { taskId, jobs, bytes, fromMs, toMs }) {
  const order = Array.from({ length: jobs }, (_, n) => n);
  await inLanes(order, LANES, (n) => {
    const delayMs = Math.round(fromMs + (toMs - fromMs) * ((n * 0.618034) % 1));
    return own.push(taskId, payloadOf(n, nowMs() + delayMs, bytes), delayMs);
  });
}
