#!/usr/bin/env node
/**
 * `npm run bench:bounds`: what the largest loads hold up. A million delayed jobs that are due at
 * the same instant, run by two processes while others are pushed; the same with retry, ids and
 * priorities, and over a hundred tasks; ten thousand schedules that are due in the same second.
 * Shows the longest script of each verb, memory before and after, and how long event loops stood.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { parkedCase, schedulesCase } from "./lib/bounds-cases.mjs";
import { fileStand } from "./lib/bounds-file.mjs";
import { redisStand } from "./lib/bounds-redis.mjs";
import { prepareLibrary, prepareServer } from "./lib/prepare.mjs";
import { writeResults } from "./lib/results.mjs";
import { startServer } from "./lib/server.mjs";

const USAGE = `npm run bench:bounds -- [options]
  --jobs n        delayed jobs that are due at once; default: 1000000
  --schedules n   due in the same second; default: 10000
  --only name     parked, mixed, spread or schedules; behind "file-" on an embedded store
  --real-time     nobody interrupts the server (Linux, root, two cores or more): then the longest
                  script is the script's doing, and not that of whoever else wants the core
  --no-build      measure the dist that is there
`;

/** In real time, where a script is not interrupted by other processes; on the last core. */
const REAL_TIME = [
  ...["taskset", "--cpu-list", String(availableParallelism() - 1)],
  ...["chrt", "--fifo", "50"],
];

const { values } = parseArgs({
  options: {
    jobs: { type: "string", default: "1000000" },
    schedules: { type: "string", default: "10000" },
    only: { type: "string", multiple: true, default: [] },
    "real-time": { type: "boolean", default: false },
    "no-build": { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

/** @typedef {import("./lib/bounds-cases.mjs").Stand} Stand */
/** @typedef {import("./lib/bounds-cases.mjs").Outcome} Outcome */

async function bounds() {
  const [jobs, schedules] = [Number(values.jobs), Number(values.schedules)];
  const program = await prepareServer();
  const before = values["real-time"] ? REAL_TIME : [];
  const fifth = Math.ceil(jobs / 5);
  /** @type {Record<string, (stand: Stand) => Promise<Outcome>>} */
  const cases = {
    parked: (stand) => parkedCase(stand, { jobs, tasks: 1, isMixed: false }),
    mixed: (stand) => parkedCase(stand, { jobs: fifth, tasks: 1, isMixed: true }),
    spread: (stand) => parkedCase(stand, { jobs: fifth, tasks: 100, isMixed: false }),
    schedules: (stand) => schedulesCase(stand, { schedules }),
  };
  /** @type {Record<string, unknown>} */
  const results = {};
  for (const kind of ["", "file-"]) {
    for (const [name, run] of Object.entries(cases)) {
      const key = `${kind}${name}`;
      if (values.only.length > 0 && !values.only.includes(key)) continue;
      const server = kind === "" ? await startServer(program, before) : null;
      const stand =
        server === null ? await fileStand() : await redisStand(server.port, values["real-time"]);
      try {
        const { title, lines, problems } = await run(stand);
        const head = `\n${server === null ? "embedded: " : "Redis: "}${title}`;
        console.log([head, ...lines, ...problems.map((each) => `✗ ${each}`)].join("\n"));
        if (problems.length > 0) process.exitCode = 1;
        results[key] = { title, lines, problems };
      } finally {
        await stand.end();
        await server?.stop();
      }
    }
  }
  console.log(`\nwritten: ${writeResults("bounds", results)}`);
}

if (values.help) console.log(USAGE);
else {
  await prepareLibrary({ build: !values["no-build"] });
  await bounds();
}
