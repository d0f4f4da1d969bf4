#!/usr/bin/env node
/**
 * `npm run bench`: builds the library, installs the peers, starts servers of its own, measures
 * every case on every system, interleaved over rounds, prints tables and writes JSON.
 * Exits with 1 when any system lost a job, ran one twice, or did not finish.
 */
import { killAgents } from "./lib/agent.mjs";
import { loadCases } from "./lib/case.mjs";
import { readOptions } from "./lib/options.mjs";
import { prepareLibrary, preparePeers, prepareServer } from "./lib/prepare.mjs";
import { ratioLines, ratiosOf, writeRatios } from "./lib/ratios.mjs";
import { RedisFacts } from "./lib/redis-facts.mjs";
import { content, machine, report, sizeOf } from "./lib/report.mjs";
import { Results, writeResults } from "./lib/results.mjs";
import { removeFiles, Scene } from "./lib/scene.mjs";
import { startServer } from "./lib/server.mjs";
import { loadSystem } from "./lib/system.mjs";
import { number } from "./lib/table.mjs";

/**
 * @typedef {import("./lib/case.mjs").Case} Case
 * @typedef {import("./lib/case.mjs").Outcome} Outcome
 * @typedef {import("./lib/options.mjs").Options} Options
 * @typedef {import("./lib/server.mjs").Server} Server
 * @typedef {import("./lib/system.mjs").System} System
 * @typedef {Map<string, { system: System, server: Server | null }>} Stands by key of the system
 */

/** The longest that one measured part may take. */
const LIMIT_MS = { quick: 15_000, full: 180_000 };

/** A quick run begins no case when it is this old, build and all, on however slow a machine. */
const QUICK_MS = 150_000;

const LEGEND = `
(n×): how many times better schedule-mq is in that column: on Redis, but embedded where the other
      one is plainjob or a bare transaction`;

/** @type {Server[]} */
const servers = [];

/** Leaves nothing running and nothing lying about. */
async function cleanUp() {
  killAgents();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  removeFiles();
}

/**
 * A server for each system on Redis: so that nothing of one is left for another.
 * @param {Options} options
 */
async function setUp(options) {
  const program = await prepareServer();
  /** @type {Stands} */
  const stands = new Map();
  for (const key of options.systems) {
    const system = await loadSystem(key);
    const server = system.usesRedis ? await startServer(program) : null;
    if (server !== null) servers.push(server);
    stands.set(key, { system, server });
  }
  return stands;
}

/**
 * One measurement; whatever goes wrong is a problem of its own, not the end of the bench.
 * @param {Options} options
 * @param {Stands} stands
 * @param {{ given: Case, key: string }} what
 * @returns {Promise<Outcome>}
 */
async function measure(options, stands, { given, key }) {
  const scene = new Scene({
    system: key,
    port: stands.get(key)?.server?.port ?? 0,
    size: sizeOf(given, options),
    bytes: options.bytes,
    tasks: options.tasks,
    mode: { retry: options.retry, ...given.mode },
    limitMs: options.quick ? LIMIT_MS.quick : LIMIT_MS.full,
  });
  try {
    await scene.open();
    return await given.run(scene);
  } catch (error) {
    return { figures: {}, problems: [error instanceof Error ? error.message : String(error)] };
  } finally {
    await scene.close();
  }
}

/**
 * @param {Case} given
 * @param {Stands} stands
 * @param {number} round the order is another one in each
 */
function systemsFor(given, stands, round) {
  const keys = [...stands].flatMap(([key, { system, server }]) => {
    if (given.redisOnly && server === null) return [];
    if (given.systems !== undefined && !given.systems.includes(key)) return [];
    return system.onlyCases === undefined || system.onlyCases.includes(given.key) ? [key] : [];
  });
  const shift = keys.length === 0 ? 0 : round % keys.length;
  return [...keys.slice(shift), ...keys.slice(0, shift)];
}

/**
 * @param {Options} options
 * @param {Stands} stands
 */
async function runAll(options, stands) {
  const results = new Results();
  /** @type {string[]} */
  const leftOut = [];
  // The clock of `performance` begins with the process.
  const until = options.quick ? QUICK_MS : Number.POSITIVE_INFINITY;
  for (let round = 0; round < options.rounds; round += 1) {
    for (const given of options.cases) {
      if (given.once && round > 0) continue;
      if (performance.now() > until) {
        leftOut.push(given.key);
        continue;
      }
      /** @param {string} key */
      const once = async (key) => {
        const outcome = await measure(options, stands, { given, key });
        results.add(given.key, key, outcome);
        console.log(
          `· ${round + 1}/${options.rounds} ${given.key} ${key}: ${brief(given, outcome)}`,
        );
      };
      const keys = systemsFor(given, stands, round);
      if (given.together) await Promise.all(keys.map(once));
      else for (const key of keys) await once(key);
    }
  }
  return { results, leftOut };
}

/**
 * @param {Case} given
 * @param {Outcome} outcome
 */
function brief({ metrics }, { figures, problems }) {
  const parts = metrics.flatMap(({ key, title, digits }) => {
    const value = figures[key];
    return value === undefined ? [] : [`${number(value, digits)} ${title}`];
  });
  return [...parts.slice(0, 2), ...problems.map((problem) => `✗ ${problem}`)].join(" · ");
}

/** @param {Stands} stands */
async function redisVersion(stands) {
  const server = [...stands.values()].find((stand) => stand.server !== null)?.server;
  if (server == null) return null;
  const facts = new RedisFacts(server.port);
  const version = await facts.version();
  facts.close();
  return version;
}

/** @returns {Promise<number>} the exit code */
async function bench() {
  const options = readOptions(process.argv.slice(2), await loadCases());
  if (typeof options === "string") {
    console.log(options);
    return 0;
  }
  await prepareLibrary(options);
  await preparePeers();
  const stands = await setUp(options);
  const startedAt = new Date().toISOString();
  const begun = { ...machine(), redis: await redisVersion(stands) };
  const { results, leftOut } = await runAll(options, stands);
  const systems = new Map([...stands].map(([key, { system }]) => [key, system]));
  const lines = report(results, options, systems);
  console.log(lines.join("\n"));
  console.log(LEGEND);
  if (leftOut.length > 0) console.log(`left out, as the time was over: ${leftOut.join(", ")}`);
  const { quick, rounds, bytes, tasks, retry } = options;
  const cases = content(results, options, systems);
  const mode = { quick, rounds, bytes, tasks, retry };
  const file = writeResults("bench", { startedAt, ...mode, machine: begun, cases, leftOut });
  console.log(`written: ${file}`);
  const ratios = ratiosOf(cases);
  for (const line of ratioLines(ratios)) console.log(line);
  if (options.writeRatios) {
    const { load, ...conditions } = begun;
    writeRatios(ratios, { date: startedAt.slice(0, 10), rounds, ...conditions });
    console.log("written: bench/ratios.json");
  }
  const wrong = lines.filter((line) => line.startsWith("  ✗")).length;
  if (wrong > 0) console.error(`✗ ${wrong} measurements were not correct`);
  return wrong > 0 ? 1 : 0;
}

for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
  process.once(signal, () => void cleanUp().finally(() => process.exit(130)));
}
try {
  process.exitCode = await bench();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await cleanUp();
}
