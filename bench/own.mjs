#!/usr/bin/env node
/**
 * `npm run bench:own`: what our Redis store costs per job, split into push, claim and settle at
 * several batch sizes: commands, script calls and bytes. These are counts, not timings: the same
 * on every machine and in every run.
 */
import { parseArgs } from "node:util";
import { Meter } from "./lib/meter.mjs";
import { OwnVerbs } from "./lib/own-verbs.mjs";
import { prepareLibrary, prepareServer } from "./lib/prepare.mjs";
import { RedisFacts } from "./lib/redis-facts.mjs";
import { writeResults } from "./lib/results.mjs";
import { startServer } from "./lib/server.mjs";
import { number, table } from "./lib/table.mjs";

/** @typedef {import("./lib/own-verbs.mjs").Row} Row */

const BATCHES = [1, 10, 100];
const LOOKS = [10, 50];

/** Everything counted must have passed by then. */
const LIMIT_MS = 60_000;

const HEAD = ["per job", "batch", "calls", "commands in script", "bytes sent", "bytes received"];

const { values } = parseArgs({
  options: {
    payload: { type: "string", default: "100" },
    "no-build": { type: "boolean", default: false },
  },
});

/** @param {string} path in dist */
const built = (path) => import(new URL(`../dist/${path}`, import.meta.url).href);

/**
 * @param {number} port
 * @returns {Promise<import("../src/store/contract.js").Store>}
 */
async function storeAt(port) {
  /** @type {typeof import("../src/store/redis/store.js")} */
  const { createRedisStore } = await built("store/redis/store.js");
  /** @type {typeof import("../src/clock.js")} */
  const { systemClock } = await built("clock.js");
  /** @type {typeof import("../src/chance.js")} */
  const { systemChance } = await built("chance.js");
  return createRedisStore({
    redis: { host: "127.0.0.1", port },
    prefix: "_schedule_mq:",
    identity: systemChance.identity(),
    clock: systemClock,
    chance: systemChance,
  });
}

/**
 * @param {Meter} meter
 * @returns {Promise<Row[]>}
 */
async function count(meter) {
  /** @type {typeof import("../src/core/keep.js")} */
  const { DEFAULT_KEEP } = await built("core/keep.js");
  const store = await storeAt(meter.port);
  try {
    await store.open();
    const verbs = new OwnVerbs({ store, meter, keep: DEFAULT_KEEP, bytes: Number(values.payload) });
    // The first calls load the scripts.
    await verbs.rows(1);
    await verbs.look(1);
    const rows = [];
    for (const batch of BATCHES) rows.push(...(await verbs.rows(batch)));
    for (const tasks of LOOKS) rows.push(await verbs.look(tasks));
    return rows;
  } finally {
    await store.close();
  }
}

/** @param {Row} row */
function figures({ verb, batch, jobs, passed }) {
  return {
    verb,
    batch,
    calls: passed.commands / jobs,
    inside: passed.inside / jobs,
    sentBytes: passed.sentBytes / jobs,
    receivedBytes: passed.receivedBytes / jobs,
  };
}

/** @param {string} program */
async function own(program) {
  const server = await startServer(program);
  const facts = new RedisFacts(server.port);
  const meter = new Meter(server.port);
  const limit = setTimeout(() => void server.stop(), LIMIT_MS);
  const interrupted = () => void server.stop().finally(() => process.exit(130));
  process.once("SIGINT", interrupted).once("SIGTERM", interrupted);
  try {
    const redis = await facts.version();
    await meter.start();
    const rows = (await count(meter)).map(figures);
    const cells = rows.map((row) => [
      row.verb,
      String(row.batch),
      number(row.calls, 3),
      number(row.inside, 2),
      number(row.sentBytes, 1),
      number(row.receivedBytes, 1),
    ]);
    console.log(["", ...table(HEAD, cells)].join("\n"));
    const bytes = Number(values.payload);
    console.log(`\nwritten: ${writeResults("own", { redis, bytes, rows })}`);
  } finally {
    clearTimeout(limit);
    meter.stop();
    facts.close();
    await server.stop();
  }
}

await prepareLibrary({ build: !values["no-build"] });
await own(await prepareServer());
