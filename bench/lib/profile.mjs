/** V8 CPU profiles of this process: the file for a viewer, and the top of it as plain text. */
import { writeFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { join } from "node:path";
import { ROOT } from "../../scripts/lib/project.mjs";
import { number, table } from "./table.mjs";

/**
 * @typedef {import("node:inspector").Profiler.Profile} Profile
 * @typedef {{ place: string, selfUs: number }} Spot
 */

const SAMPLE_US = 100;
const TOP = 30;

/**
 * @param {() => Promise<unknown>} work
 * @returns {Promise<Profile>}
 */
export async function profiled(work) {
  const session = new Session();
  session.connect();
  try {
    await session.post("Profiler.enable");
    await session.post("Profiler.setSamplingInterval", { interval: SAMPLE_US });
    await session.post("Profiler.start");
    await work();
    return (await session.post("Profiler.stop")).profile;
  } finally {
    session.disconnect();
  }
}

/**
 * Functions by the time that they took themselves, most first; without idle time.
 * @param {Profile} profile
 * @returns {Spot[]}
 */
export function selfTimes({ nodes, samples = [], timeDeltas = [] }) {
  const places = new Map(nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]));
  /** @type {Map<string, number>} */
  const times = new Map();
  samples.forEach((id, index) => {
    const place = places.get(id) ?? "?";
    if (place === "(idle)") return;
    // A sample stands for the time until the next one.
    times.set(place, (times.get(place) ?? 0) + Math.max(0, timeDeltas[index + 1] ?? 0));
  });
  return [...times]
    .map(([place, selfUs]) => ({ place, selfUs }))
    .sort((a, b) => b.selfUs - a.selfUs);
}

/** @param {import("node:inspector").Runtime.CallFrame} frame */
function placeOf({ functionName, url, lineNumber }) {
  const name = functionName === "" ? "(anonymous)" : functionName;
  if (url === "") return name;
  const file = url.replace("file://", "").replace(`${ROOT}/`, "");
  return `${name}  ${file}:${lineNumber + 1}`;
}

/**
 * @param {string} title
 * @param {Profile} profile
 * @param {number} jobs
 * @returns {string[]} lines
 */
export function topOf(title, profile, jobs) {
  const spots = selfTimes(profile);
  const all = spots.reduce((sum, { selfUs }) => sum + selfUs, 0);
  const rows = spots
    .slice(0, TOP)
    .map(({ place, selfUs }) => [
      place,
      number(selfUs / jobs, 2),
      `${number((selfUs / all) * 100, 1)} %`,
    ]);
  return [`${title}: ${number(all / jobs, 2)} µs a job`, ...table(["", "µs/job", "share"], rows)];
}

/**
 * Writes <name>.cpuprofile and <name>.txt into a folder.
 * @param {string} folder
 * @param {string} name
 * @param {{ profile: Profile, lines: readonly string[] }} content
 */
export function writeProfile(folder, name, { profile, lines }) {
  writeFileSync(join(folder, `${name}.cpuprofile`), JSON.stringify(profile));
  writeFileSync(join(folder, `${name}.txt`), `${lines.join("\n")}\n`);
}
