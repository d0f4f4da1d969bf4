/** What a worker's process does: opens a worker, runs jobs with it, and says how that went. */
import { setTimeout as wait } from "node:timers/promises";
import { watchLoop } from "./loop-delay.mjs";
import { Tally } from "./tally.mjs";

/**
 * @typedef {import("./system.mjs").System} System
 * @typedef {import("./system.mjs").Place} Place
 * @typedef {import("./system.mjs").Worker} Worker
 * @typedef {import("./tally.mjs").Work} Work
 * @typedef {{ taskIds: string[], concurrency: number, jobs: number, work?: Work }} Open
 */

/** How long a second run of a job is waited for after all have run. */
const SECOND_RUN_MS = 100;

/**
 * @param {System} system
 * @param {Place} place
 */
export function consumer(system, place) {
  let tally = new Tally(0);
  /** @type {Worker | null} */
  let worker = null;
  /** @type {ReturnType<typeof watchLoop> | null} */
  let unwatch = null;
  /** @param {Open} args */
  const open = async ({ taskIds, concurrency, jobs, work }) => {
    const own = new Tally(jobs, work);
    tally = own;
    worker = await system.work(place, { taskIds, concurrency, run: (data) => own.run(data) });
  };
  /** @param {{ limitMs: number }} args */
  const finish = async ({ limitMs }) => {
    await Promise.race([tally.whenAll, wait(limitMs, undefined, { ref: false })]);
    const blocked = await unwatch?.();
    await wait(SECOND_RUN_MS);
    await worker?.close();
    return { ...tally.report(), blocked };
  };
  return {
    open,
    /** Waits until all jobs have run (or the time is over), closes, and says how it went. */
    finish,
    /** @param {Open & { limitMs: number, watch?: boolean }} args */
    drain: async (args) => {
      unwatch = args.watch ? watchLoop() : null;
      await open(args);
      return await finish(args);
    },
    /** How many jobs have run here so far. */
    seen: async () => tally.seen,
    /** Closes now; for several workers that share the jobs. */
    part: async () => {
      await wait(SECOND_RUN_MS);
      await worker?.close();
      return { ...tally.report(), runs: tally.runs };
    },
    /**
     * How much CPU this process takes while nobody asks for anything.
     * @param {{ ms: number }} args
     */
    idle: async ({ ms }) => {
      const cpu = process.cpuUsage();
      await wait(ms);
      const { user, system: kernel } = process.cpuUsage(cpu);
      return { cpuUs: user + kernel };
    },
  };
}
