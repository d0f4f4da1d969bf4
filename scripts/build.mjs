#!/usr/bin/env node
/**
 * Builds dist: the Lua scripts into TypeScript, TypeScript into JavaScript and declarations, and
 * the files that are published into a few bundles. Files of deleted sources are removed at the end,
 * so that no process that runs dist misses one.
 */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { BUNDLE, bundle } from "./lib/bundle.mjs";
import { ensureInstalled } from "./lib/install.mjs";
import { ROOT } from "./lib/project.mjs";
import { run, runTool } from "./lib/run.mjs";

/** What the compiler writes for x.ts. */
const OUTPUT = /(?:\.js|\.js\.map|\.d\.ts)$/;

function removeOrphans() {
  const dist = join(ROOT, "dist");
  for (const path of readdirSync(dist, { recursive: true, encoding: "utf8" })) {
    if (path.startsWith(BUNDLE)) continue;
    const source = join(ROOT, "src", path.replace(OUTPUT, ".ts"));
    if (OUTPUT.test(path) && !existsSync(source)) rmSync(join(dist, path));
  }
}

/** @returns {Promise<number>} the exit code */
async function build() {
  await ensureInstalled();
  const lua = await run(process.execPath, [join(ROOT, "scripts/build-lua.mjs")], { show: true });
  if (lua.code !== 0) return lua.code;
  const { code } = await runTool("typescript", ["-p", "tsconfig.json"], { bin: "tsc", show: true });
  if (code !== 0) return code;
  removeOrphans();
  await bundle();
  return 0;
}

process.exitCode = await build();
