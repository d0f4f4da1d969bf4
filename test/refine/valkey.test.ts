/** The Redis store does what the model does, whatever the order of the verbs, on Valkey 8. */
import { test } from "vitest";
import { serverForThisFile } from "../support/redis-world.js";
import { RUNS, search } from "./check.js";
import { redisSubject } from "./worlds.js";

const server = serverForThisFile({ kind: "valkey-server" });

test("Valkey and the model answer the same and show the same", async () => {
  await search(redisSubject(server()), { runs: RUNS });
}, 300_000);
