/** Start-up: how long the import takes, and what it loads; nobody pays for what is not used. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { median } from "../lib/numbers.mjs";
import { loadSystem } from "../lib/system.mjs";

/**
 * @typedef {import("../lib/case.mjs").Case} Case
 * @typedef {import("../lib/scene.mjs").Scene} Scene
 */

const PROGRAM = fileURLToPath(new URL("../lib/start-main.mjs", import.meta.url));
const BENCH = fileURLToPath(new URL("..", import.meta.url));

const LIMIT_MS = 10_000;

/**
 * Its answer; the process has ended then.
 * @param {readonly string[]} args
 * @returns {Promise<any>}
 */
function once(args) {
  const child = fork(PROGRAM, [...args], { stdio: ["ignore", "ignore", "pipe", "ipc"] });
  let said = "";
  child.stderr?.on("data", (chunk) => {
    said += String(chunk);
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
  return new Promise((resolve, reject) => {
    /** @type {unknown} */
    let answer = null;
    child.on("message", (message) => {
      answer = message;
    });
    child.once("error", reject);
    child.once("close", () => {
      clearTimeout(timer);
      if (answer === null) reject(new Error(`an import failed: ${said.slice(-1_000)}`));
      else resolve(answer);
    });
  });
}

/**
 * The packages that files belong to, but for the bench's own.
 * @param {readonly string[]} files
 * @returns {string[]}
 */
function packagesOf(files) {
  const names = files.flatMap((file) => {
    const [, name] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file) ?? [];
    return name === undefined ? [] : [name];
  });
  return [...new Set(names)].sort();
}

/** @param {readonly string[]} files */
const foreign = (files) =>
  files.filter((file) => !file.startsWith(BENCH) || file.includes("/node_modules/"));

/** @param {readonly string[]} names */
const show = (names) => (names.length === 0 ? "no package" : names.join(", "));

/** @type {Case} */
const start = {
  key: "start",
  title: ({ times }) => `start-up: import in a fresh process, median of ${times}`,
  sizes: { quick: { times: 3 }, full: { times: 11 } },
  metrics: [
    { key: "ms", title: "import ms", better: "less", digits: 1 },
    { key: "files", title: "files loaded", better: "less", digits: 0 },
    { key: "usedFiles", title: "files after one push", better: "less", digits: 0 },
  ],
  async run(scene) {
    const { times = 1 } = scene.size;
    const system = await loadSystem(scene.system);
    const imports = system.imports ?? [];
    const ms = [];
    for (let time = 0; time < times; time += 1) ms.push((await once(["time", ...imports])).ms);
    const loaded = await once(["loaded", scene.system, JSON.stringify(scene.place), ...imports]);
    const imported = foreign(loaded.imported);
    const used = foreign(loaded.used);
    const packages = packagesOf(used);
    const present = [...packages, ...loaded.builtins];
    const unwanted = (system.unwanted ?? []).filter((name) => present.includes(name));
    return {
      figures: { ms: median(ms), files: imported.length, usedFiles: used.length },
      notes: [
        `the import loads ${show(packagesOf(imported))}; a push, all in all, ${show(present)}`,
      ],
      problems: unwanted.map((name) => `${name} was loaded and is not used`),
    };
  },
};

export const cases = [start];
