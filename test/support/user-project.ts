/**
 * A user's project: a temporary folder in which `schedule-mq` is what was built here. Its programs
 * run as real processes, and none of them outlives the project.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ROOT } from "../../scripts/lib/project.mjs";
import { run, toolPath } from "../../scripts/lib/run.mjs";
import { until } from "./until.js";

export interface Exit {
  /** null: ended by a signal. */
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface Program {
  /** The lines on stdout so far, each with the moment of its arrival, epoch ms. */
  readonly lines: readonly { text: string; at: number }[];
  /** Everything that was printed, stderr too; for messages. */
  readonly said: string;
  readonly exit: Promise<Exit>;
  /** Resolves when a line of stdout contains `text`; rejects when the program ends before. */
  prints(text: string, timeoutMs?: number): Promise<void>;
  kill(signal: NodeJS.Signals): Promise<Exit>;
}

export interface UserProject {
  readonly folder: string;
  write(file: string, text: string): void;
  /** Starts a file of the project, or of the repository by its full path. */
  start(file: string, env?: Readonly<Record<string, string>>): Program;
  /** Compiles all *.mts and *.cts as strictly as the library; what the compiler says, "" = well. */
  compile(): Promise<string>;
  /** Ends all programs, deletes the folder. */
  remove(): Promise<void>;
}

/** Where the compiler puts what it made of a file. */
export function compiled(file: string): string {
  return join("out", file.replace(/ts$/, "js"));
}

export function userProject(): UserProject {
  if (!existsSync(join(ROOT, "dist/index.js"))) {
    throw new Error("dist is not there: run `npm run build` first");
  }
  const folder = mkdtempSync(join(tmpdir(), "schedule-mq-user-"));
  writeFileSync(join(folder, "package.json"), '{ "name": "user", "private": true }\n');
  mkdirSync(join(folder, "node_modules"));
  // Links, so that the project needs no installation; Node and tsc follow them to the real place.
  for (const name of ["schedule-mq", "zod"]) {
    const target = name === "schedule-mq" ? ROOT : join(ROOT, "node_modules", name);
    symlinkSync(target, join(folder, "node_modules", name), "dir");
  }
  const programs: Program[] = [];
  return {
    folder,
    write(file, text) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    },
    start(file, env = {}) {
      const child = spawn(process.execPath, [file], {
        cwd: folder,
        env: { ...process.env, ...env },
        stdio: ["ignore", "pipe", "pipe"],
      });
      const program = watched(child, file);
      programs.push(program);
      return program;
    },
    compile: () => compile(folder),
    async remove() {
      await Promise.all(programs.map((program) => program.kill("SIGKILL")));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function watched(child: ChildProcess, file: string): Program {
  const lines: { text: string; at: number }[] = [];
  let said = "";
  let rest = "";
  let ended: Exit | null = null;
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    said += chunk;
    const texts = (rest + chunk).split("\n");
    rest = texts.pop() ?? "";
    for (const text of texts) lines.push({ text, at: Date.now() });
  });
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    said += chunk;
  });
  const exit = new Promise<Exit>((resolve) => {
    child.on("close", (code, signal) => {
      ended = { code, signal };
      resolve(ended);
    });
  });
  return {
    lines,
    get said() {
      return said;
    },
    exit,
    async prints(text, timeoutMs = 30_000) {
      const printed = (): boolean => lines.some((line) => line.text.includes(text));
      await until(
        `${file} to print "${text}"`,
        () => {
          if (printed()) return true;
          if (ended !== null) throw new Error(`${file} ended without printing "${text}":\n${said}`);
          return false;
        },
        timeoutMs,
      ).catch((error: Error) => {
        throw new Error(`${error.message}\nit said:\n${said}`);
      });
    },
    async kill(signal) {
      if (ended === null) child.kill(signal);
      return await exit;
    },
  };
}

/** The repository's own settings, for a folder with other sources. */
async function compile(folder: string): Promise<string> {
  const config = {
    extends: join(ROOT, "tsconfig.json"),
    compilerOptions: {
      rootDir: ".",
      outDir: "out",
      declaration: false,
      isolatedDeclarations: false,
      sourceMap: false,
      inlineSources: false,
      typeRoots: [join(ROOT, "node_modules/@types")],
    },
    include: ["*.mts", "*.cts"],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  const args = [toolPath("typescript", "tsc"), "-p", "tsconfig.json"];
  const { code, output } = await run(process.execPath, args, { cwd: folder });
  return code === 0 ? "" : output || `exit code ${code}`;
}
