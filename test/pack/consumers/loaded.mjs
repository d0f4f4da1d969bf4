// Says what this process has loaded so far: files of the library, and packages beside it.
import { readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const { cache } = createRequire(import.meta.url);
// What else this machine has, above this folder, is nothing to the library.
const HERE = join(realpathSync(import.meta.dirname), "node_modules");
const PACKAGE = /.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)[\\/](.*)/;

export function loaded() {
  // Modules, packages in CommonJS, and native add-ons are listed in different places.
  const urls = readFileSync(process.env.TRACE, "utf8").match(/^file:.*/gm) ?? [];
  const modules = urls.map((url) => fileURLToPath(url));
  const addOns = process.report.getReport().sharedObjects;
  const own = new Set();
  const packages = new Set();
  for (const path of [...modules, ...Object.keys(cache), ...addOns]) {
    if (!path.startsWith(HERE)) continue;
    const [, name, file] = PACKAGE.exec(path) ?? [];
    if (name === "schedule-mq") own.add(file.replace("dist/bundle/", ""));
    else if (name !== undefined) packages.add(name.replace("\\", "/"));
  }
  const builtIn = (process.moduleLoadList ?? []).some((name) => /\bsqlite$/.test(name));
  if (builtIn) packages.add("node:sqlite");
  return { own: [...own].sort(), packages: [...packages].sort() };
}
