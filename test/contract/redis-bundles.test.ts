/** The contract, kept by the Redis store where plain jobs that are pushed together are bundles. */
import { redisWorld, serverForThisFile } from "../support/redis-world.js";
import { examine } from "./suite.js";

const server = serverForThisFile({ kind: "redis-server" });

// By itself it makes one of eight jobs and more, which few of these tests push.
const LEAST = 1;

examine(
  "Redis in bundles",
  () => redisWorld(server(), 1, LEAST),
  { persistent: true, connection: true, frozenClock: false },
  { whole: true },
);
