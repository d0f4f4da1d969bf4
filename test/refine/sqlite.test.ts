/** SQLite does what the model does, whatever the order of the verbs. */
import { test } from "vitest";
import { RUNS, search } from "./check.js";
import { sqliteSubject } from "./worlds.js";

test("SQLite and the model answer the same and show the same", async () => {
  await search(sqliteSubject, { runs: RUNS });
}, 300_000);
