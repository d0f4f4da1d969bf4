/**
 * The process of one start-up: imports what it is told to, in a Node that has loaded nothing else,
 * and answers with the time that took, or with what was loaded: at the import, and by a use.
 *   time <specifier>…
 *   loaded <system> <place> <specifier>…
 */
import { Session } from "node:inspector";

const [mode, ...rest] = process.argv.slice(2);

if (mode === "time") {
  const from = performance.now();
  for (const specifier of rest) await import(specifier);
  process.send?.({ ms: performance.now() - from });
} else {
  const [key = "", place = "{}", ...specifiers] = rest;
  const loaded = watch();
  for (const specifier of specifiers) await import(specifier);
  const imported = [...loaded];
  await use(key, JSON.parse(place));
  process.send?.({ imported, used: [...loaded], builtins: builtins() });
}
process.disconnect?.();

/** The files of all code from here on, as the debugger is told of it. */
function watch() {
  /** @type {Set<string>} */
  const files = new Set();
  const session = new Session();
  session.connect();
  session.on("Debugger.scriptParsed", ({ params: { url } }) => {
    if (url.startsWith("file:") || url.startsWith("/")) files.add(url.replace("file://", ""));
  });
  session.post("Debugger.enable");
  // What is there already is told at once, and is not meant.
  files.clear();
  return files;
}

/**
 * Stores a job by the system, which loads what that needs.
 * @param {string} key
 * @param {import("./system.mjs").Place} place
 */
async function use(key, place) {
  const { loadSystem } = await import("./system.mjs");
  const system = await loadSystem(key);
  const producer = await system.produce(place);
  await producer.push("start", { n: 0, at: 0, pad: "" }, 0);
  await producer.close();
}

/** Parts of Node that are worth a word. */
function builtins() {
  const list = /** @type {{ moduleLoadList?: string[] }} */ (process).moduleLoadList ?? [];
  return list.some((name) => name === "NativeModule sqlite") ? ["node:sqlite"] : [];
}
