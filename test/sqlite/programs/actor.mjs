// A store in a process of its own. Each line of input is a call, each line of output an answer or
// a wake-up. Arguments: the folder of the compiled library, the store's path.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [folder, path] = process.argv.slice(2);
/** @param {string} file */
const load = (file) => import(pathToFileURL(`${folder}/${file}`).href);
const { createSqliteStore } = await load("store/sqlite/store.js");
const { systemClock: clock } = await load("clock.js");
const { systemChance: chance } = await load("chance.js");

const store = createSqliteStore({
  target: { path },
  prefix: "processes:",
  durability: "store",
  identity: chance.identity(),
  clock,
  chance,
});
/** @param {object} message */
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
store.onWake((/** @type {object} */ wake) => say({ wake }));
for await (const line of createInterface({ input: process.stdin })) {
  const { call, verb, args } = JSON.parse(line);
  store[verb](args).then(
    (/** @type {unknown} */ answer) => say({ call, answer }),
    (/** @type {Error} */ error) => say({ call, error: error.message }),
  );
}
