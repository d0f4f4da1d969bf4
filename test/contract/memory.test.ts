/** The contract, kept by SQLite in memory. */
import { memoryWorld } from "../support/sqlite-world.js";
import { examine } from "./suite.js";

examine("SQLite in memory", memoryWorld, {
  persistent: false,
  connection: false,
  frozenClock: true,
});
