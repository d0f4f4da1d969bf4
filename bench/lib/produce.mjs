/** What a producer's process does: fills, pushes in several ways, and measures itself meanwhile. */
import { setTimeout as wait } from "node:timers/promises";
import { watchLoop } from "./loop-delay.mjs";
import { nowMs } from "./numbers.mjs";
import { payloadOf, payloads, taskIdsOf } from "./payload.mjs";

/**
 * @typedef {import("./system.mjs").System} System
 * @typedef {import("./system.mjs").Place} Place
 * @typedef {import("./system.mjs").Producer} Producer
 * @typedef {{ taskId: string, tasks: number, jobs: number, bytes: number }} Load
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
    /** @param {Load & { inFlight: number, watch?: boolean }} args */
    single: async (args) => single(await open(), args),
    /** @param {Load} args */
    alone: async (args) => alone(await open(), args),
    /** @param {Load & { gapMs: number }} args */
    paced: async (args) => paced(await open(), args),
    /** @param {Load & { fromMs: number, toMs: number }} args */
    delayed: async (args) => delayed(await open(), args),
    /** @param {Load & { inFlight: number, fromMs: number, toMs: number }} args */
    mixed: async (args) => mixed(await open(), args),
    /** @param {{ taskId: string, tasks: number }} args */
    left: async (args) => left(await open(), args),
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
 * Which task a job belongs to: they take turns.
 * @param {Load} load
 * @returns {(n: number) => string}
 */
function taskFor({ taskId, tasks }) {
  const taskIds = taskIdsOf(taskId, tasks);
  return (n) => taskIds[n % tasks] ?? taskId;
}

/**
 * Bulk pushes, one after the other; tasks take turns.
 * @param {Producer} own
 * @param {Load & { per?: number, delayMs?: number }} args
 */
function many(own, args) {
  const { jobs, bytes, per = BULK, delayMs = 0 } = args;
  const taskOf = taskFor(args);
  const items = payloads(jobs, bytes);
  // Where a bulk would leave tasks empty, each is given a share.
  const each = Math.max(1, Math.min(per, Math.ceil(jobs / args.tasks)));
  return measured(async () => {
    for (let at = 0; at < jobs; at += each) {
      await own.pushMany(taskOf(at / each), items.slice(at, at + each), delayMs);
    }
  });
}

/**
 * Single pushes, each awaited, so many at once.
 * @param {Producer} own
 * @param {Load & { inFlight: number, watch?: boolean }} args
 */
async function single(own, args) {
  const taskOf = taskFor(args);
  const items = payloads(args.jobs, args.bytes);
  const ending = args.watch ? watchLoop() : null;
  const took = await measured(() =>
    inLanes(items, args.inFlight, (item) => own.push(taskOf(item.n), item, 0)),
  );
  return { ...took, blocked: await ending?.() };
}

/**
 * As `single`, but every fifth job is delayed, by times spread evenly.
 * @param {Producer} own
 * @param {Load & { inFlight: number, fromMs: number, toMs: number }} args
 */
function mixed(own, args) {
  const taskOf = taskFor(args);
  const items = payloads(args.jobs, args.bytes);
  return measured(() =>
    inLanes(items, args.inFlight, (item) => {
      const delayMs = item.n % 5 === 4 ? spreadMs(item.n, args) : 0;
      return own.push(taskOf(item.n), item, delayMs);
    }),
  );
}

/**
 * The same in every run, and in step with nobody's timer.
 * @param {number} n
 * @param {{ fromMs: number, toMs: number }} range
 */
function spreadMs(n, { fromMs, toMs }) {
  return Math.round(fromMs + (toMs - fromMs) * ((n * 0.618034) % 1));
}

/**
 * @param {Producer} own
 * @param {{ taskId: string, tasks: number }} args
 */
async function left(own, { taskId, tasks }) {
  let jobs = 0;
  for (const id of taskIdsOf(taskId, tasks)) jobs += await own.left(id);
  return jobs;
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
async function alone(own, args) {
  const taskOf = taskFor(args);
  /** @type {number[]} */
  const times = [];
  const took = await measured(async () => {
    for (const item of payloads(args.jobs, args.bytes)) {
      const from = nowMs();
      await own.push(taskOf(item.n), item, 0);
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
async function paced(own, args) {
  const { jobs, bytes, gapMs } = args;
  const taskOf = taskFor(args);
  for (let n = 0; n < jobs; n += 1) {
    await wait(gapMs * (0.5 + ((n * 0.618034) % 1)));
    await own.push(taskOf(n), payloadOf(n, nowMs(), bytes), 0);
  }
}

/**
 * Delayed pushes, a few at once, with delays spread evenly; each carries the instant at which it
 * is due, counted from the call: a start before it is a start too early.
 * @param {Producer} own
 * @param {Load & { fromMs: number, toMs: number }} args
 */
async function delayed(own, args) {
  const { jobs, bytes } = args;
  const taskOf = taskFor(args);
  const order = Array.from({ length: jobs }, (_, n) => n);
  await inLanes(order, LANES, (n) => {
    const delayMs = spreadMs(n, args);
    return own.push(taskOf(n), payloadOf(n, nowMs() + delayMs, bytes), delayMs);
  });
}
