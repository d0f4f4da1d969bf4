/** How the tests run: each file in a process of its own, two at a time, every wait bounded. */
import { defineConfig } from "vitest/config";
import { serverEnvironment } from "./scripts/lib/servers.mjs";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Where the servers are, also for a run without `npm test` around it.
    env: serverEnvironment(),
    pool: "forks",
    fileParallelism: true,
    maxWorkers: 2,
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
