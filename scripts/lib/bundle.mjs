/**
 * What is published: a few files instead of one for each source, because finding, reading and
 * linking ninety modules is most of what an import costs. What is loaded later stays apart: a
 * store, its scripts. Readable, with source maps to src.
 */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./project.mjs";

/** Its folder in dist. */
export const BUNDLE = "bundle";

const INPUT = { index: "src/index.ts", testing: "src/testing/index.ts" };

/** Begins with a file of its own; bundled apart, to share no code with what is imported. */
const THREADS = {
  "checkpoint-thread": "src/store/sqlite/checkpoint-thread.ts",
  "deputy-thread": "src/threads/deputy-thread.ts",
  "handler-thread": "src/threads/handler-thread.ts",
};

export async function bundle() {
  const folder = join(ROOT, "dist", BUNDLE);
  const written = new Set([
    ...(await write(folder, INPUT)),
    ...(await write(folder, THREADS, "thread-")),
  ]);
  for (const path of readdirSync(folder)) {
    if (!written.has(path)) rmSync(join(folder, path));
  }
}

/**
 * The scripts are half a MB of texts, and the same in a thread: it reads the file that the rest
 * reads. Of code a thread needs another part.
 */
const SHARED = {
  name: "shared-scripts",
  /** @param {string} id @param {string | undefined} importer */
  resolveId: (id, importer) =>
    id === "./scripts.js" && /[\\/]store[\\/]redis[\\/][^\\/]+$/.test(importer ?? "")
      ? { id: "./redis-scripts.js", external: /** @type {const} */ ("absolute") }
      : null,
};

/**
 * @param {string} folder
 * @param {Record<string, string>} input
 * @param {string} [prefix] of the pieces that are not named in `input`
 * @returns {Promise<string[]>} the files
 */
async function write(folder, input, prefix = "") {
  // Not at the top: whoever builds for the first time has just installed it.
  const { rolldown } = await import("rolldown");
  const bundler = await rolldown({
    cwd: ROOT,
    input,
    platform: "node",
    plugins: input === THREADS ? [SHARED] : [],
    // Packages are the user's; parts of Node are Node's.
    external: [/^[^./]/],
  });
  const { output } = await bundler.write({
    dir: folder,
    format: "esm",
    sourcemap: true,
    minifyInternalExports: false,
    chunkFileNames: ({ facadeModuleId, name }) => `${prefix}${chunkName(facadeModuleId, name)}.js`,
  });
  await bundler.close();
  return output.map(({ fileName }) => fileName).filter((fileName) => !isUseless(fileName));
}

/**
 * A map of texts that are generated helps nobody, and is larger than they are.
 * @param {string} fileName
 */
function isUseless(fileName) {
  return fileName.endsWith("redis-scripts.js.map");
}

/**
 * A store is `store/redis/store.ts` in src, and `redis-store.js` here.
 * @param {string | null} module
 * @param {string} name
 */
function chunkName(module, name) {
  const path = module?.replaceAll("\\", "/").split("/src/store/")[1];
  return path === undefined ? name : path.replace(/\.ts$/, "").replaceAll("/", "-");
}
