/** What is published: complete, small, free of scripts, and as the ecosystem's checkers want it. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join, relative } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "../../scripts/lib/project.mjs";
import { runTool } from "../../scripts/lib/run.mjs";
import { type Packed, pack } from "./packed.js";

interface Manifest {
  exports: Record<string, string | Record<string, string>>;
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
  engines: { node: string };
}

const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Manifest;

/** The only things that belong into the package. */
const BELONGS = [
  /^dist\/[\w./-]+\.(?:js|d\.ts|js\.map)$/,
  /^protocol\/[\w./-]+\.(?:md|lua|json)$/,
  /^(?:package\.json|README\.md|CHANGELOG\.md|LICENSE)$/,
];

const MAX_UNPACKED_BYTES = 5_000_000;

/** Of packages with all that they depend on. */
function bytesOf(names: readonly string[], seen: Set<string> = new Set()): number {
  let bytes = 0;
  for (const name of names) {
    if (seen.has(name)) continue;
    seen.add(name);
    const folder = join(ROOT, "node_modules", name);
    for (const path of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
      bytes += statSync(join(folder, path)).size;
    }
    const read = readFileSync(join(folder, "package.json"), "utf8");
    const { dependencies = {} } = JSON.parse(read) as Partial<Manifest>;
    bytes += bytesOf(Object.keys(dependencies), seen);
  }
  return bytes;
}

/** A package and all that it depends on, as far as installing them runs something. */
function withScripts(name: string, seen: Set<string> = new Set()): string[] {
  if (seen.has(name)) return [];
  seen.add(name);
  const read = readFileSync(join(ROOT, "node_modules", name, "package.json"), "utf8");
  const { scripts = {}, dependencies = {} } = JSON.parse(read) as Partial<Manifest>;
  const runs = ["preinstall", "install", "postinstall"].some((hook) => hook in scripts);
  const others = Object.keys(dependencies).flatMap((other) => withScripts(other, seen));
  return [...(runs ? [name] : []), ...others];
}

function filesUnder(folder: string): string[] {
  const found = readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true });
  const files = found.filter((entry) => entry.isFile());
  return files.map(({ parentPath, name }) => relative(ROOT, join(parentPath, name)));
}

let packed: Packed;

beforeAll(async () => {
  packed = await pack();
}, 60_000);

afterAll(() => packed?.remove());

describe("the published package", () => {
  it("holds what belongs into it and nothing else", () => {
    const strange = packed.paths.filter((path) => !BELONGS.some((form) => form.test(path)));
    expect(strange).toEqual([]);
    for (const path of ["README.md", "CHANGELOG.md", "LICENSE", "protocol/PROTOCOL.md"]) {
      expect(packed.paths).toContain(path);
    }
  });

  it("has the file of each thread that it starts", () => {
    const starts = /new URL\("\.\/([\w-]+\.js)", import\.meta\.url\)/g;
    const bundle = join(ROOT, "dist/bundle");
    const files = readdirSync(bundle).filter((name) => name.endsWith(".js"));
    const threads = files.flatMap((name) =>
      [...readFileSync(join(bundle, name), "utf8").matchAll(starts)].map((found) => found[1]),
    );
    expect(threads).toContain("checkpoint-thread.js");
    for (const file of threads) expect(packed.paths).toContain(`dist/bundle/${file}`);
    expect(packed.paths.some((path) => path.startsWith("protocol/lua/"))).toBe(true);
  });

  it("has every file that it exports", () => {
    const targets = Object.values(manifest.exports).flatMap((entry) =>
      typeof entry === "string" ? [entry] : Object.values(entry),
    );
    expect(targets.length).toBeGreaterThan(0);
    for (const target of targets) expect(packed.paths).toContain(target.replace("./", ""));
  });

  it("is under 5 MB unpacked, with its dependencies but for the clients of the stores", () => {
    const { ioredis: _, ...others } = manifest.dependencies;
    const bytes = packed.unpackedBytes + bytesOf(Object.keys(others));
    expect(bytes).toBeLessThan(MAX_UNPACKED_BYTES);
  });

  it("runs nothing when it is installed", () => {
    const hooks = ["preinstall", "install", "postinstall", "prepare", "prepublish"];
    expect(Object.keys(manifest.scripts).filter((name) => hooks.includes(name))).toEqual([]);
    // npm takes this file for a script of its own.
    expect(packed.paths).not.toContain("binding.gyp");
    const mustRun = Object.keys(manifest.dependencies).flatMap((name) => withScripts(name));
    expect(mustRun).toEqual([]);
  });

  it("is what the lists in package.json and in the tests say, file by file", () => {
    const compiled = filesUnder("dist").filter((path) => path.endsWith(".d.ts"));
    const wanted = [
      ...["package.json", "README.md", "CHANGELOG.md", "LICENSE"],
      ...filesUnder("dist/bundle"),
      ...compiled.filter((path) => !path.startsWith("dist/bundle/")),
      ...filesUnder("protocol"),
    ];
    expect([...packed.paths].sort()).toEqual([...new Set(wanted)].sort());
  });

  it("holds no word of this machine", () => {
    const places = [ROOT, homedir(), tmpdir()].filter((place) => place.length > 4);
    const texts = packed.paths.map((path) => [path, readFileSync(join(ROOT, path), "utf8")]);
    const telling = texts.filter(([, text = ""]) => places.some((place) => text.includes(place)));
    expect(telling.map(([path]) => path)).toEqual([]);
  });

  it("has nothing that publint would change", async () => {
    const tarball = new Uint8Array(readFileSync(packed.tarball)).buffer;
    const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  it("has types that resolve wherever it can be imported", async () => {
    const args = ["--profile", "esm-only", "--no-color", "--no-emoji", packed.tarball];
    const { code, output } = await runTool("@arethetypeswrong/cli", args, { bin: "attw" });
    expect(code, output).toBe(0);
  }, 60_000);
});
