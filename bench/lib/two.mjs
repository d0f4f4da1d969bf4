/** Several worker processes that share the jobs of one store, and what they did together. */
import { setTimeout as wait } from "node:timers/promises";
import { problemsOf } from "./costs.mjs";

/**
 * @typedef {import("./scene.mjs").Scene} Scene
 * @typedef {(name: string, args?: object) => Promise<any>} Calls
 */

/** How often the workers are asked how far they are. */
const ASK_MS = 25;

/**
 * @param {Scene} scene
 * @param {readonly Calls[]} workers
 * @param {{ taskIds: string[], concurrency: number, jobs: number }} args
 */
export async function drainTogether(scene, workers, args) {
  await Promise.all(workers.map((worker) => worker("open", args)));
  const until = performance.now() + scene.limitMs;
  for (;;) {
    const seen = await Promise.all(workers.map((worker) => worker("seen")));
    if (seen.reduce((sum, one) => sum + one, 0) >= args.jobs) break;
    if (performance.now() > until) break;
    await wait(ASK_MS);
  }
  const parts = await Promise.all(workers.map((worker) => worker("part")));
  return joined(parts, args.jobs);
}

/**
 * @param {readonly (import("./tally.mjs").Report & { runs: string })[]} parts
 * @param {number} jobs
 */
function joined(parts, jobs) {
  const runs = new Uint8Array(jobs);
  for (const part of parts) {
    for (const [n, count] of Buffer.from(part.runs, "base64").entries()) {
      runs[n] = (runs[n] ?? 0) + count;
    }
  }
  const active = parts.filter(({ firstAt }) => firstAt > 0);
  const firstAt = Math.min(...active.map((part) => part.firstAt));
  const lastAt = Math.max(...active.map((part) => part.lastAt));
  const dup = runs.reduce((sum, count) => sum + Math.max(0, count - 1), 0);
  const lost = runs.reduce((sum, count) => sum + (count === 0 ? 1 : 0), 0);
  const stray = parts.reduce((sum, part) => sum + part.stray, 0);
  const ran = parts.map(({ runs: own }) => Buffer.from(own, "base64").filter((n) => n > 0).length);
  return {
    ms: lastAt - firstAt,
    cpuUs: active.reduce((sum, part) => sum + part.cpuUs, 0),
    /** The smallest share of the jobs that a worker had, where an even one would be 1. */
    evenness: (Math.min(...ran) * parts.length) / jobs,
    lost,
    problems: problemsOf({ dup, lost, stray }),
  };
}
