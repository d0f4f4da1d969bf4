/** The Redis store does what the model does, where all jobs pushed together are bundles. */
import { test } from "vitest";
import { serverForThisFile } from "../support/redis-world.js";
import { RUNS, search } from "./check.js";
import { redisSubject } from "./worlds.js";

const server = serverForThisFile({ kind: "redis-server" });

test("Redis in bundles and the model answer the same and show the same", async () => {
  await search(redisSubject(server(), undefined, 1), { runs: RUNS });
}, 300_000);
