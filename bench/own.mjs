#!/usr/bin/env node
/**
 * `npm run bench:own`: what our Redis store costs per job, split into its parts. First in counts,
 * which are the same on every machine and in every run; `--write-baseline` keeps them as what the
 * tests compare with. Then in CPU of Node and of Redis; `--flame` writes profiles of both sides.
 */
import { parseArgs } from "node:util";
import { grown, readBaseline, writeBaseline } from "./lib/baseline.mjs";
import { builtOwn } from "./lib/own-built.mjs";
import { costsOfNode, costsOfVerbs, costsOfWholes } from "./lib/own-costs.mjs";
import { countOwn } from "./lib/own-counts.mjs";
import { profileWholes } from "./lib/own-profiles.mjs";
import { showCosts } from "./lib/own-report.mjs";
import { prepareLibrary, prepareServer } from "./lib/prepare.mjs";
import { writeResults } from "./lib/results.mjs";
import { startServer } from "./lib/server.mjs";
import { number, table } from "./lib/table.mjs";

/** @typedef {import("./lib/own-counts.mjs").Counts} Counts */

/** Everything must be done by then. */
const LIMIT_MS = 120_000;

const HEAD = ["per job", "commands", "script calls", "in scripts", "bytes sent", "bytes received"];

const USAGE = `npm run bench:own -- [options]
  --payload n        bytes of a job's data as JSON; default: 100
  --write-baseline   counts only, and writes bench/baseline.json, which npm test compares with
  --flame            also V8 CPU profiles of a producer and of a worker
  --no-build         measure the dist that is there
`;

const { values } = parseArgs({
  options: {
    payload: { type: "string", default: "100" },
    flame: { type: "boolean", default: false },
    "write-baseline": { type: "boolean", default: false },
    "no-build": { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

/** @param {Counts} counts */
function showCounts({ perJob, memoryBytes }) {
  const cells = Object.entries(perJob).map(([name, count]) => [
    name,
    number(count.commands, 3),
    number(count.scripts, 3),
    number(count.inside, 2),
    number(count.sentBytes, 1),
    number(count.receivedBytes, 1),
  ]);
  console.log(["", ...table(HEAD, cells)].join("\n"));
  const { waiting, delayed } = memoryBytes;
  console.log(
    `\nmemory: ${number(waiting, 1)} bytes a waiting job, ${number(delayed, 1)} a delayed`,
  );
}

/** @param {Counts} counts */
function compare(counts) {
  const found = grown(readBaseline(), counts);
  const lines = found.map((line) => `  ${line}`);
  const title = found.length === 0 ? "nothing has grown" : "more than in bench/baseline.json:";
  console.log([title, ...lines].join("\n"));
}

/**
 * @param {number} port of a fresh server
 * @param {number} bytes
 */
async function costs(port, bytes) {
  const own = await builtOwn();
  const verbs = await costsOfVerbs(own, { port, bytes });
  const node = await costsOfNode(own, bytes);
  const parts = [...verbs, ...node];
  const wholes = await costsOfWholes({ port, bytes, parts });
  console.log(showCosts(parts, wholes).join("\n"));
  if (values.flame) console.log((await profileWholes({ port, bytes })).join("\n"));
  return { parts, wholes };
}

/**
 * Runs `work` with a server of its own.
 * @template T
 * @param {string} program
 * @param {(port: number) => Promise<T>} work
 * @returns {Promise<T>}
 */
async function withServer(program, work) {
  const server = await startServer(program);
  const limit = setTimeout(() => void server.stop(), LIMIT_MS);
  const interrupted = () => void server.stop().finally(() => process.exit(130));
  process.once("SIGINT", interrupted).once("SIGTERM", interrupted);
  try {
    return await work(server.port);
  } finally {
    process.off("SIGINT", interrupted).off("SIGTERM", interrupted);
    clearTimeout(limit);
    await server.stop();
  }
}

/** @param {string} program */
async function own(program) {
  const bytes = Number(values.payload);
  const parts = await builtOwn();
  const counts = await withServer(program, (port) => countOwn(parts, { port, bytes }));
  showCounts(counts);
  if (values["write-baseline"]) {
    writeBaseline(counts);
    console.log("written: bench/baseline.json");
    return;
  }
  compare(counts);
  const cpu = await withServer(program, (port) => costs(port, bytes));
  console.log(`\nwritten: ${writeResults("own", { counts, cpu })}`);
}

if (values.help) console.log(USAGE);
else {
  await prepareLibrary({ build: !values["no-build"] });
  await own(await prepareServer());
}
