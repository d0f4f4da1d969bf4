/** Every example runs as it is, on the embedded store and on Redis, and stops cleanly. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "../../scripts/lib/project.mjs";
import { startServer, type TestServer } from "../support/servers.js";
import { type UserProject, userProject } from "../support/user-project.js";

interface Expected {
  file: string;
  /** Lines that contain these come, in any order. */
  prints: readonly string[];
  /** Has to be stopped by SIGTERM; the others end by themselves. */
  runsOn?: true;
}

const EXAMPLES: readonly Expected[] = [
  { file: "quick-start.mjs", prints: ["report", "mail ada@example.com"], runsOn: true },
  { file: "cron.mjs", prints: ["task"], runsOn: true },
  { file: "two-schedulers.mjs", prints: ["by the "], runsOn: true },
  { file: "cron-retry.mjs", prints: ["attempt 1: failed", "attempt 2: done"], runsOn: true },
  { file: "customers.mjs", prints: ["due ", "(has not paid)", "invoice for ada"] },
  { file: "push.mjs", prints: ["pushed 0-", "task", "completed: 1"] },
  {
    file: "push-retry.mjs",
    prints: ["attempt 1: the handler returned false", "attempt 2: completed"],
  },
  {
    file: "own-thread.mjs",
    prints: ["primes below 2000000: 148933", "the event loop went on: true"],
  },
  { file: "data-and-delay.mjs", prints: ["pushed, due at", "received  im data"] },
];

const MOST_LINES = 40;

let server: TestServer;
const projects: UserProject[] = [];

beforeAll(async () => {
  server = await startServer();
}, 30_000);

afterAll(async () => {
  await Promise.all(projects.map((project) => project.remove()));
  await server?.stop();
});

async function runExample(example: Expected, env: Record<string, string>): Promise<void> {
  const project = userProject();
  projects.push(project);
  const program = project.start(join(ROOT, "examples", example.file), env);
  for (const text of example.prints) await program.prints(text);
  const exit = await (example.runsOn ? program.kill("SIGTERM") : program.exit);
  expect(exit, program.said).toEqual({ code: 0, signal: null });
}

describe.concurrent("the example", () => {
  it.each(EXAMPLES)(
    "$file runs on the embedded store",
    async (example) => {
      await runExample(example, { REDIS_URL: "" });
    },
    60_000,
  );

  it.each(EXAMPLES)(
    "$file runs on Redis",
    async (example) => {
      await runExample(example, { REDIS_URL: `redis://${server.host}:${server.port}` });
    },
    60_000,
  );
});

describe("the examples", () => {
  const files = readdirSync(join(ROOT, "examples")).filter((name) => name.endsWith(".mjs"));

  it("are all run here, and all listed", () => {
    expect(files.sort()).toEqual(EXAMPLES.map(({ file }) => file).sort());
    const list = readFileSync(join(ROOT, "examples/README.md"), "utf8");
    expect(files.filter((file) => !list.includes(`[${file}](${file})`))).toEqual([]);
  });

  it.each(files)("%s is short", (file) => {
    const text = readFileSync(join(ROOT, "examples", file), "utf8");
    expect(text.trimEnd().split("\n").length).toBeLessThanOrEqual(MOST_LINES);
  });
});
