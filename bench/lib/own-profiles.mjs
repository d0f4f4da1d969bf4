/** Profiles of a producer and of a worker, as files and as tables. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { WHOLES } from "./own-wholes.mjs";
import { BENCH } from "./prepare.mjs";
import { profiled, topOf, writeProfile } from "./profile.mjs";

/**
 * @param {{ port: number, bytes: number }} args
 * @returns {Promise<string[]>} lines
 */
export async function profileWholes({ port, bytes }) {
  const folder = join(BENCH, "results");
  mkdirSync(folder, { recursive: true });
  const lines = [];
  for (const { title, name, jobs, run } of WHOLES) {
    /** @type {import("./profile.mjs").Profile | null} */
    let profile = null;
    await run({
      port,
      bytes,
      jobs,
      during: async (work) => {
        profile = await profiled(work);
      },
    });
    if (profile === null) throw new Error(`${title} was not profiled`);
    const top = topOf(`${name} (${title})`, profile, jobs);
    writeProfile(folder, `own-${name}`, { profile, lines: top });
    lines.push("", ...top, `written: bench/results/own-${name}.cpuprofile and .txt`);
  }
  return lines;
}
