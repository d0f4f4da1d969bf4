#!/usr/bin/env node
/**
 * `npm run chaos`: fault tests on real processes and servers, and a table of what was tried and
 * found. `--only name` (or `begin*`; several times), `--seed n`, `--seconds s` of faults for each
 * scenario; `--write` puts the table into docs/reliability.md.
 */
import { parseArgs } from "node:util";
import { ensureCompiler } from "./lib/compiler.mjs";
import { checkNode, ensureInstalled } from "./lib/install.mjs";
import { ROOT } from "./lib/project.mjs";
import { run } from "./lib/run.mjs";
import { ensureServers } from "./lib/servers.mjs";

const USAGE = `usage: npm run chaos [-- [--only name | --write]] [--seed n] [--seconds s]
  names: test/chaos/scenarios.ts`;

function wishes() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: "string", multiple: true, default: [] },
        seed: { type: "string", default: "1" },
        seconds: { type: "string", default: "15" },
        write: { type: "boolean", default: false },
      },
    });
    const seed = Number(values.seed);
    const seconds = Number(values.seconds);
    if (!Number.isSafeInteger(seed) || !(seconds > 0)) return null;
    // The table is that of a whole run.
    if (values.write && values.only.length > 0) return null;
    return { only: values.only, seed, seconds, write: values.write };
  } catch {
    return null;
  }
}

/** @returns {Promise<number>} the exit code */
async function main() {
  const wanted = wishes();
  if (wanted === null) {
    console.error(USAGE);
    return 2;
  }
  checkNode();
  await ensureInstalled();
  const { env } = await ensureServers();
  for (const note of await ensureCompiler()) console.error(`! ${note}`);
  Object.assign(process.env, env);
  const { code, output } = await run(process.execPath, ["scripts/build.mjs"], { cwd: ROOT });
  if (code !== 0) throw new Error(`the build failed:\n${output}`);
  const { createViteServer } = await import("vitest/node");
  // Loads the TypeScript of test/chaos into this process.
  const loader = await createViteServer({
    configFile: false,
    root: ROOT,
    appType: "custom",
    logLevel: "error",
    server: { middlewareMode: true, watch: null, ws: false },
    optimizeDeps: { noDiscovery: true },
  });
  try {
    const { chaos } = await loader.ssrLoadModule("/test/chaos/report.ts");
    return await chaos(wanted);
  } finally {
    await loader.close();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
