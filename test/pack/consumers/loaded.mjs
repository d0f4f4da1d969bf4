// Says which of the heavy parts this process has loaded so far.
import { createRequire } from "node:module";

const { cache } = createRequire(import.meta.url);

export function loaded() {
  // Packages in CommonJS, native add-ons, and parts of Node are listed in different places.
  const files = [...Object.keys(cache), ...process.report.getReport().sharedObjects];
  const builtIn = (process.moduleLoadList ?? []).some((name) => /\bsqlite$/.test(name));
  return {
    ioredis: files.some((file) => /node_modules[\\/]ioredis[\\/]/.test(file)),
    sqlite: builtIn || files.some((file) => /node_modules[\\/].*sqlite.*\.node$/.test(file)),
  };
}
