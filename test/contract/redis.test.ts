/** The contract, kept by the Redis store on redis-server. */
import { redisWorld, serverForThisFile } from "../support/redis-world.js";
import { examine } from "./suite.js";

const server = serverForThisFile({ kind: "redis-server" });

examine("Redis", () => redisWorld(server()), {
  persistent: true,
  connection: true,
  frozenClock: false,
});
