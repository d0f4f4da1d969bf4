#!/usr/bin/env node
/** Everything that `npm test` checks before it runs a test: a few seconds, for while one writes. */
import { runGates } from "./lib/gates.mjs";
import { ensureInstalled } from "./lib/install.mjs";
import { conclude } from "./lib/vitest.mjs";

await ensureInstalled();
conclude(await runGates());
