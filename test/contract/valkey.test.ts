/** The contract, kept by the Redis store on valkey-server, where that is installed. */
import { test } from "vitest";
import { redisWorld, serverForThisFile } from "../support/redis-world.js";
import { findServer } from "../support/servers.js";
import { examine } from "./suite.js";

const WHY = "valkey-server is not on PATH (npm test installs it where it can)";

if (findServer("valkey-server") !== null) {
  const server = serverForThisFile({ kind: "valkey-server" });
  examine("Valkey", () => redisWorld(server()), {
    persistent: true,
    connection: true,
    frozenClock: false,
  });
} else if (process.env.REQUIRE_VALKEY === "1") {
  test("Valkey must be there, because REQUIRE_VALKEY=1", () => {
    throw new Error(WHY);
  });
} else {
  console.warn(`skipped: the contract on Valkey: ${WHY}`);
  test("the contract, kept by Valkey", ({ skip }) => skip(WHY));
}
