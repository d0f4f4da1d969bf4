/** The contract, kept by SQLite on a file. */
import { fileWorld } from "../support/sqlite-world.js";
import { examine } from "./suite.js";

examine("SQLite on a file", fileWorld, {
  persistent: true,
  connection: false,
  frozenClock: true,
});
