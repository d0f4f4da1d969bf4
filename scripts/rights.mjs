#!/usr/bin/env node
/**
 * `npm run rights`: runs the whole contract and what else needs rights on real servers, records
 * what clients sent and scripts called there, and writes the list of rights from it: into
 * protocol/rights.json, and from there into the source and the documentation. `--check` runs
 * nothing and writes nothing, and fails when one of these is not what the list says.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkNode, ensureInstalled } from "./lib/install.mjs";
import { isMain, ROOT } from "./lib/project.mjs";
import { derived, listOf, PARTS, readRights } from "./lib/rights.mjs";
import { ensureServers } from "./lib/servers.mjs";
import { runVitest } from "./lib/vitest.mjs";

/** Where the parts of the list are recorded. */
const RUN = [
  "test/contract/redis.test.ts",
  "test/contract/cluster.test.ts",
  "test/security/rights.test.ts",
];

/**
 * The files that are not what the list says.
 * @param {ReturnType<typeof readRights>} rights
 * @returns {Map<string, string>} what they should contain
 */
export function staleRights(rights = readRights()) {
  const files = [...derived(rights)];
  return new Map(files.filter(([path, text]) => !isThere(path, text)));
}

/** @param {string} path @param {string} text */
function isThere(path, text) {
  try {
    return readFileSync(join(ROOT, path), "utf8") === text;
  } catch {
    return false;
  }
}

/** @returns {Promise<ReturnType<typeof readRights>>} the list, by a run */
async function record() {
  checkNode();
  await ensureInstalled();
  const { env } = await ensureServers();
  const folder = mkdtempSync(join(tmpdir(), "schedule-mq-rights-"));
  try {
    const own = { ...env, RIGHTS_RECORD: folder, REQUIRE_VALKEY: "1" };
    const { failed } = await runVitest({ name: "rights", env: own, filters: RUN });
    if (failed > 0) throw new Error("the run failed, so nothing is written");
    const records = PARTS.map((part) => [
      part,
      JSON.parse(readFileSync(join(folder, `${part}.json`), "utf8")),
    ]);
    return listOf(Object.fromEntries(records));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {readonly string[]} args */
async function main(args) {
  const isCheck = args.includes("--check");
  const stale = staleRights(isCheck ? readRights() : await record());
  for (const [path, text] of stale) {
    if (isCheck) console.error(`${path} is not what protocol/rights.json says: npm run rights`);
    else writeFileSync(join(ROOT, path), text);
    if (!isCheck) console.log(`wrote ${path}`);
  }
  if (!isCheck && stale.size === 0) console.log("the list is what the run took");
  process.exitCode = isCheck && stale.size > 0 ? 1 : 0;
}

if (isMain(import.meta)) {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
