#!/usr/bin/env node
/**
 * `npm run bench:bounds`: what the largest loads hold up. A million delayed jobs that are due at
 * the same instant, run by two processes while others are pushed; the same with retry, ids and
 * priorities, and over a hundred tasks; ten thousand schedules that are due in the same second.
 * Shows the longest script of each verb, memory before and after, and how long event loops stood.
 */
import { parseArgs } from "node:util";
import { parkedCase, schedulesCase } from "./lib/bounds-cases.mjs";
import { prepareLibrary, prepareServer } from "./lib/prepare.mjs";
import { writeResults } from "./lib/results.mjs";
import { startServer } from "./lib/server.mjs";

const USAGE = `npm run bench:bounds -- [options]
  --jobs n        delayed jobs that are due at once; default: 1000000
  --schedules n   due in the same second; default: 10000
  --only name     parked, mixed, spread or schedules
  --no-build      measure the dist that is there
`;

const { values } = parseArgs({
  options: {
    jobs: { type: "string", default: "1000000" },
    schedules: { type: "string", default: "10000" },
    only: { type: "string", multiple: true, default: [] },
    "no-build": { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

async function bounds() {
  const [jobs, schedules] = [Number(values.jobs), Number(values.schedules)];
  const program = await prepareServer();
  /** @type {Record<string, (port: number) => Promise<import("./lib/bounds-cases.mjs").Outcome>>} */
  const cases = {
    parked: (port) => parkedCase(port, { jobs, tasks: 1, isMixed: false }),
    mixed: (port) => parkedCase(port, { jobs: Math.ceil(jobs / 5), tasks: 1, isMixed: true }),
    spread: (port) => parkedCase(port, { jobs: Math.ceil(jobs / 5), tasks: 100, isMixed: false }),
    schedules: (port) => schedulesCase(port, { schedules }),
  };
  /** @type {Record<string, unknown>} */
  const results = {};
  for (const [name, run] of Object.entries(cases)) {
    if (values.only.length > 0 && !values.only.includes(name)) continue;
    const server = await startServer(program);
    try {
      const { title, lines, problems } = await run(server.port);
      console.log([`\n${title}`, ...lines, ...problems.map((each) => `✗ ${each}`)].join("\n"));
      if (problems.length > 0) process.exitCode = 1;
      results[name] = { title, lines, problems };
    } finally {
      await server.stop();
    }
  }
  console.log(`\nwritten: ${writeResults("bounds", results)}`);
}

if (values.help) console.log(USAGE);
else {
  await prepareLibrary({ build: !values["no-build"] });
  await bounds();
}
