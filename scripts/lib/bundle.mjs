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

export async function bundle() {
  // Not at the top: whoever builds for the first time has just installed it.
  const { rolldown } = await import("rolldown");
  const folder = join(ROOT, "dist", BUNDLE);
  const bundler = await rolldown({
    cwd: ROOT,
    input: INPUT,
    platform: "node",
    // Packages are the user's; parts of Node are Node's.
    external: [/^[^./]/],
  });
  const { output } = await bundler.write({
    dir: folder,
    format: "esm",
    sourcemap: true,
    minifyInternalExports: false,
    chunkFileNames: ({ facadeModuleId, name }) => `${chunkName(facadeModuleId, name)}.js`,
  });
  await bundler.close();
  const written = new Set(output.map(({ fileName }) => fileName));
  for (const path of readdirSync(folder)) {
    if (!written.has(path)) rmSync(join(folder, path));
  }
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
