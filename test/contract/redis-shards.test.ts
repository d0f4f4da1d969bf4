/** The contract, kept by the Redis store with its data in several shards, as on a Cluster. */
import { redisWorld, serverForThisFile } from "../support/redis-world.js";
import { examine } from "./suite.js";

const server = serverForThisFile({ kind: "redis-server" });

// The whole of it runs on a Cluster.
examine(
  "Redis in shards",
  () => redisWorld(server(), 16),
  { persistent: true, connection: true, frozenClock: false },
  { whole: process.env.CONTRACT === "whole" },
);
