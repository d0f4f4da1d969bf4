#!/usr/bin/env node
/**
 * `npm run sim -- --minutes 30`: simulated worlds with faults, from seeds, for as long as wanted;
 * `SEED=7 npm run sim -- --store model` shows one of them. Ends with 1 if a promise was broken.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ensureInstalled } from "./lib/install.mjs";
import { ROOT } from "./lib/project.mjs";

await ensureInstalled();
// Beside node_modules, where what it imports is found.
const folder = mkdtempSync(join(ROOT, "node_modules", ".sim-"));
try {
  // Not at the top: it may just have been installed.
  const { rolldown } = await import("rolldown");
  const input = { main: "test/sim/main.ts" };
  const bundler = await rolldown({ cwd: ROOT, input, platform: "node", external: [/^[^./]/] });
  await bundler.write({ dir: folder, format: "esm", sourcemap: true });
  await bundler.close();
  const args = [join(folder, "main.js"), ...process.argv.slice(2)];
  const { status } = spawnSync(process.execPath, args, { cwd: ROOT, stdio: "inherit" });
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
