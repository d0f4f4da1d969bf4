/** How the tests run: each file in a process of its own, every wait bounded. */
import { defineConfig } from "vitest/config";
import { serverEnvironment } from "./scripts/lib/servers.mjs";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Where the servers are, also for a run without `npm test` around it.
    env: serverEnvironment(),
    pool: "forks",
    fileParallelism: true,
    // One more than the cores that CI has: many tests mostly wait, for servers and processes.
    maxWorkers: 3,
    // Some tests are a dozen processes each, which all start at once.
    maxConcurrency: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    slowTestThreshold: 2_000,
    // A rejection that nobody handles is a broken promise of the library, wherever it comes from.
    dangerouslyIgnoreUnhandledErrors: false,
    allowOnly: false,
    passWithNoTests: false,
    retry: 0,
  },
});
