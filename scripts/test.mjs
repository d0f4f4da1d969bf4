#!/usr/bin/env node
/**
 * `npm test`, also on a fresh clone: brings what is missing, checks, builds, runs every test, and
 * leaves nothing running. The last line says how many passed and failed.
 */
import { ensureCompiler } from "./lib/compiler.mjs";
import { runGates } from "./lib/gates.mjs";
import { ensureInstalled } from "./lib/install.mjs";
import { ensureServers } from "./lib/servers.mjs";
import { conclude, runVitest } from "./lib/vitest.mjs";

try {
  await ensureInstalled();
  const { env, notes } = await ensureServers();
  notes.push(...(await ensureCompiler()));
  const gates = await runGates();
  if (gates.failed > 0) {
    conclude({ passed: 0, failed: gates.failed });
  } else {
    const tally = await runVitest({ name: "all", env });
    for (const note of notes) console.log(`! ${note}`);
    conclude(tally);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  conclude({ passed: 0, failed: 1 });
}
