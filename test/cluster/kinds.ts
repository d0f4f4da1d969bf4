/** On which servers the tests of a Cluster run: on both kinds, where Valkey is installed. */
import { findServer, type ServerKind } from "../support/servers.js";

/** All of them on both; else Valkey has a short part of its own. */
export const IS_WHOLE: boolean = process.env.CLUSTER === "whole";

export function kindsHere(): ServerKind[] {
  if (findServer("valkey-server") !== null) return ["redis-server", "valkey-server"];
  const why = "valkey-server is not on PATH (npm test installs it where it can)";
  if (process.env.REQUIRE_VALKEY === "1") throw new Error(why);
  console.warn(`skipped: a Valkey Cluster: ${why}`);
  return ["redis-server"];
}
