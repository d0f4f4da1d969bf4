// What Yarn's Plug'n'Play is to a program, as far as its threads show that they have it.
const { writeSync } = require("node:fs");
const { isMainThread } = require("node:worker_threads");

process.versions.pnp ??= "3";
if (!isMainThread) writeSync(1, "a thread has it\n");
