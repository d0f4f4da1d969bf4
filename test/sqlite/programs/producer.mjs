// Opens a store, pushes, looks, and comes to its end without closing anything: it must exit.
import { pathToFileURL } from "node:url";

const [folder, path] = process.argv.slice(2);
/** @param {string} file */
const load = (file) => import(pathToFileURL(`${folder}/${file}`).href);
const { createSqliteStore } = await load("store/sqlite/store.js");
const { systemClock: clock } = await load("clock.js");
const { systemChance: chance } = await load("chance.js");
const identity = chance.identity();
const common = { target: { path }, prefix: "processes:", durability: "fsync" };
const store = createSqliteStore({ ...common, identity, clock, chance });
const rules = { retry: null, priority: 0, timeoutMs: null };
const job = { taskId: "t", id: "a", payload: "1", due: null, rules, occurrence: null };
const [answer] = await store.push({ jobs: [job], timeoutMs: 5_000 });
const fireable = { taskIds: [], scheduleIds: [] };
await store.look({ taskIds: ["other"], fireable, registration: null, sleepMs: 60_000 });
process.stdout.write(JSON.stringify(answer));
