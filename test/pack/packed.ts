/** The package as its users get it: packed, and installed into a folder with nothing else in it. */
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "../../scripts/lib/project.mjs";
import { runNpm } from "../../scripts/lib/run.mjs";

const execute = promisify(execFile);

export interface Packed {
  folder: string;
  tarball: string;
  /** What it holds, from its root. */
  paths: string[];
  unpackedBytes: number;
  remove(): void;
}

export async function pack(): Promise<Packed> {
  if (!existsSync(join(ROOT, "dist/index.js"))) {
    throw new Error("dist is not there: run `npm run build` first");
  }
  const folder = mkdtempSync(join(tmpdir(), "schedule-mq-pack-"));
  const args = ["pack", "--json", "--ignore-scripts", "--silent", "--pack-destination", folder];
  const { code, output } = await runNpm(args);
  if (code !== 0) throw new Error(`npm pack failed:\n${output}`);
  const [tarball] = readdirSync(folder);
  if (tarball === undefined) throw new Error(`npm pack wrote nothing:\n${output}`);
  // Whatever else npm prints on its way stands before the JSON.
  const [report] = JSON.parse(output.slice(output.search(/^[[{]/m))) as [
    { files: { path: string }[]; unpackedSize: number },
  ];
  return {
    folder,
    tarball: join(folder, tarball),
    paths: report.files.map(({ path }) => path),
    unpackedBytes: report.unpackedSize,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A user's project with the package installed, and the programs of consumers/ in it. */
export async function installPacked(packed: Packed): Promise<string> {
  const folder = mkdtempSync(join(packed.folder, "user-"));
  writeFileSync(join(folder, "package.json"), '{ "name": "user", "private": true }\n');
  const quietly = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
  const { code, output } = await runNpm(["install", ...quietly, packed.tarball], { cwd: folder });
  if (code !== 0) throw new Error(`npm install of the tarball failed:\n${output}`);
  cpSync(join(ROOT, "test/pack/consumers"), folder, { recursive: true });
  return folder;
}

/** Runs one of the user's programs to its end, traced; what it printed, as JSON. */
export async function runProgram<Said>(
  folder: string,
  file: string,
  args: readonly string[] = [],
): Promise<Said> {
  const trace = join(mkdtempSync(join(folder, "trace-")), "loaded");
  const { stdout } = await execute(process.execPath, ["--import", "./trace.mjs", file, ...args], {
    cwd: folder,
    env: { ...process.env, TRACE: trace },
    timeout: 30_000,
    killSignal: "SIGKILL",
  });
  return JSON.parse(stdout) as Said;
}
