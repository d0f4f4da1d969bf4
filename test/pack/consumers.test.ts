/** The installed package works for those who import it, require it, and type-check against it. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "../../scripts/lib/project.mjs";
import { run, toolPath } from "../../scripts/lib/run.mjs";
import { startServer } from "../support/servers.js";
import { installPacked, type Packed, pack, runProgram } from "./packed.js";

interface Exports {
  main: string[];
  testing: string[];
  version: string;
}

/** Files of the library's bundle, and packages. */
interface Loaded {
  own: string[];
  packages: string[];
}

interface Greeted {
  id: string;
  run: { data: unknown; attempt: number; jobId: string };
  before: Loaded;
  after: Loaded;
}

/** What an import costs: each further file or package is some ms of everybody's start. */
const BY_IMPORT = { own: ["create.js", "errors.js", "index.js"], packages: ["croner"] };

const IOREDIS = [
  "@ioredis/commands",
  "cluster-key-slot",
  "debug",
  "denque",
  "ioredis",
  "ms",
  "redis-errors",
  "standard-as-callback",
];

let packed: Packed;
let folder = "";

beforeAll(async () => {
  packed = await pack();
  folder = await installPacked(packed);
}, 120_000);

afterAll(() => packed?.remove());

describe("the package, installed into an empty folder without running install scripts", () => {
  it("gives the same by import and by require", async () => {
    const imported = await runProgram<Exports>(folder, "import.mjs");
    expect(imported.main).toEqual(expect.arrayContaining(["SchedulerError", "createScheduler"]));
    expect(imported.testing.length).toBeGreaterThan(0);
    expect(await runProgram<Exports>(folder, "require.cjs")).toEqual(imported);
  });

  it("runs a job on the embedded store, with no server and no Redis client", async () => {
    const { id, run: greeted, before, after } = await runProgram<Greeted>(folder, "embedded.mjs");
    expect(greeted).toEqual({ data: { name: "Ada" }, attempt: 1, jobId: id });
    expect(before).toEqual(BY_IMPORT);
    expect(after.own).toEqual([...BY_IMPORT.own, "paths.js", "sqlite-store.js"]);
    const isBinding = (name: string) => /sqlite|^node-gyp-build$/.test(name);
    expect(after.packages.filter((name) => !isBinding(name))).toEqual(BY_IMPORT.packages);
    expect(after.packages.some(isBinding)).toBe(true);
    expect(existsSync(join(folder, ".schedule-mq/store.db"))).toBe(true);
  });

  it("runs a job on Redis, with no SQLite", async () => {
    const server = await startServer();
    try {
      const said = await runProgram<Greeted>(folder, "redis.mjs", [String(server.port)]);
      expect(said.run).toEqual({ data: { name: "Ada" }, attempt: 1, jobId: said.id });
      expect(said.before).toEqual(BY_IMPORT);
      const own = [...BY_IMPORT.own, "redis-scripts.js", "redis-store.js"];
      const packages = [...BY_IMPORT.packages, ...IOREDIS].sort();
      expect(said.after).toEqual({ own, packages });
    } finally {
      await server.stop();
    }
  });
});

describe("the package, found by Yarn's Plug'n'Play", () => {
  it("begins the thread that renews leases as the program was begun", async () => {
    expect(await saidBy("--require", "./pnp.cjs")).toBe("a thread has it\n");
    expect(await saidBy()).toBe("");
  });

  async function saidBy(...flags: string[]): Promise<string> {
    const { code, output } = await run(process.execPath, [...flags, "deputy.mjs"], { cwd: folder });
    expect(code, output).toBe(0);
    return output;
  }
});

describe("the package, bundled into the program", () => {
  it("says when a handler is bound that its threads are not there", async () => {
    const file = "bundled.mjs";
    await bundleInto(join(folder, file), join(folder, "own-thread.mjs"));
    const said = await runProgram<{ here: string; refused: { code: string } }>(folder, file);
    expect(said).toMatchObject({ here: "ran", refused: { code: "HANDLER_INVALID" } });
    // And where it is not: the file itself, which exports no handler, can be bound.
    const installed = await runProgram<{ refused: null }>(folder, "own-thread.mjs");
    expect(installed).toMatchObject({ here: "ran", refused: null });
  });
});

describe("a strict TypeScript program compiles, declarations of packages included", () => {
  it("as a module and as CommonJS", async () => {
    expect(await compile(toolPath("typescript", "tsc"), "tsconfig.json")).toBe("");
  });

  it("as a module with the compiler of two years ago, which cannot require one", async () => {
    // The one that attw brings along.
    const attw = createRequire(join(ROOT, "node_modules/@arethetypeswrong/core/package.json"));
    expect(await compile(attw.resolve("typescript/bin/tsc"), "tsconfig.esm.json")).toBe("");
  });
});

/** As people do for a Lambda or an image: one file with all that it imports. */
async function bundleInto(file: string, input: string): Promise<void> {
  const { rolldown } = await import("rolldown");
  const bundler = await rolldown({ input, platform: "node" });
  await bundler.write({ file, format: "esm", codeSplitting: false });
  await bundler.close();
}

/** What the compiler complains about. */
async function compile(compiler: string, config: string): Promise<string> {
  const roots = join(ROOT, "node_modules/@types");
  const args = [compiler, "-p", config, "--typeRoots", roots];
  const { code, output } = await run(process.execPath, args, { cwd: folder });
  return code === 0 ? "" : output || `exit code ${code}`;
}
