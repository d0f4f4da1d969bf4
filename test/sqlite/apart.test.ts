/** The contract, kept by SQLite between connections that share nothing but the file. */
import { examine } from "../contract/suite.js";
import { apartWorld } from "./apart-world.js";

examine(
  "SQLite, a connection for each scheduler",
  apartWorld,
  { persistent: true, connection: false, frozenClock: true },
  { whole: process.env.CONTRACT === "whole" },
);
