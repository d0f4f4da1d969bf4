/**
 * Real redis-server and valkey-server processes for tests: on a free loopback port, in a folder of
 * their own, gone when the test file is, however it ends.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { Redis } from "ioredis";
import type { Host } from "./islands.js";
import { until } from "./until.js";

export type ServerKind = "redis-server" | "valkey-server";

export interface ServerOptions {
  kind?: ServerKind;
  /** More of the server's own arguments, such as `["--appendonly", "yes"]`. */
  args?: readonly string[];
  /** A port that must be used; default: any free one. */
  port?: number;
  /** A folder to start on, kept at the end. Default: a fresh one, removed at the end. */
  folder?: string;
  /** More of the server's environment. */
  env?: Readonly<Record<string, string>>;
  /** Where it runs; default: on loopback here. */
  on?: Host;
}

export const LOOPBACK: Host = { address: "127.0.0.1", within: [] };

export interface TestServer {
  kind: ServerKind;
  host: string;
  port: number;
  folder: string;
  /** Of the server itself, for signals: `process.kill(server.pid, "SIGSTOP")`. */
  pid: number;
  /** Ends the server for good, and its folder if that was its own. Harmless twice. */
  stop(): Promise<void>;
  /** kill -9; the folder stays, so that `startServer({ port, folder })` can bring it back. */
  crash(): Promise<void>;
}

/**
 * The server is run by a shell that waits for the end of its standard input. That pipe closes when
 * this process ends in whatever way, so that no server and no folder is ever left behind, not even
 * by SIGKILL. (SIGCONT: a test may have stopped the server. A server that refuses to end, as while
 * it writes its first AOF or runs a script, is killed.)
 */
const KEEPER = `
folder=$1
shift
"$@" &
server=$!
read -r word
if [ "$word" = crash ]; then kill -9 $server; else kill -CONT $server; kill $server; fi
(sleep 20; kill -9 $server) > /dev/null 2>&1 < /dev/null & watch=$!
wait $server
kill $watch
if [ -z "$word" ] && [ -n "$folder" ]; then rm -rf "$folder"; fi
exit 0
`;

/** Where the server is: where `npm test` says it is, else on PATH; null: nowhere. */
export function findServer(kind: ServerKind): string | null {
  const told =
    process.env[kind === "redis-server" ? "SCHEDULE_MQ_REDIS_SERVER" : "SCHEDULE_MQ_VALKEY_SERVER"];
  return told ? told : findProgram(kind);
}

function findProgram(name: string): string | null {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // the next one
    }
  }
  return null;
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const kind = options.kind ?? "redis-server";
  const program = findServer(kind);
  if (program === null) throw new Error(`${kind} is not on PATH; \`npm test\` installs it`);
  const ownFolder = options.folder === undefined;
  const on = options.on ?? LOOPBACK;
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), "schedule-mq-test-"));
  // Between the search for a free port and its use, somebody else may take it.
  for (let tries = 1; ; tries += 1) {
    const port = options.port ?? (await freePort());
    const args = serverArgs(port, folder, on).concat(options.args ?? []);
    const words = [ownFolder ? folder : "", ...on.within, program, ...args];
    const keeper = spawnKept(words, options.env);
    const pid = await answering(keeper, { host: on.address, port, folder }).catch(
      async (error: unknown) => {
        await ended(keeper, "stop");
        return error as Error;
      },
    );
    if (typeof pid === "number") {
      return testServer({ kind, keeper, host: on.address, port, folder, pid, ownFolder });
    }
    if (tries === 3 || options.port !== undefined) throw startFailure(kind, folder, pid);
  }
}

function serverArgs(port: number, folder: string, { address }: Host): string[] {
  const log = join(folder, "server.log");
  const own = ["--port", String(port), "--bind", address, "--dir", folder, "--logfile", log];
  if (address !== LOOPBACK.address) own.push("--protected-mode", "no");
  return [...own, "--save", "", "--appendonly", "no", "--daemonize", "no"];
}

function spawnKept(words: readonly string[], env: ServerOptions["env"]): ChildProcess {
  // `detached`: Ctrl-C is for the tests; the keeper learns of it by the closed pipe.
  return spawn("/bin/sh", ["-c", KEEPER, "keeper", ...words], {
    detached: true,
    env: { ...process.env, ...env },
    stdio: ["pipe", "ignore", "ignore"],
  });
}

/** The server's pid as soon as it answers on the port, and is the one with our folder. */
async function answering(
  keeper: ChildProcess,
  { host, port, folder }: Pick<TestServer, "host" | "port" | "folder">,
): Promise<number> {
  const client = new Redis({
    host,
    port,
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    retryStrategy: () => 20,
  });
  client.on("error", () => {});
  try {
    return await until(
      "the server to answer",
      async () => {
        if (keeper.exitCode !== null) throw new Error("the server's keeper ended");
        const info = await client.info("server").catch(() => "");
        const pid = Number(/process_id:(\d+)/.exec(info)?.[1] ?? 0);
        if (pid === 0) return 0;
        const answer = (await client.config("GET", "dir")) as string[];
        if (answer[1] !== folder) throw new Error("another server has this port");
        return pid;
      },
      10_000,
    );
  } finally {
    client.disconnect();
  }
}

function startFailure(kind: ServerKind, folder: string, cause: Error): Error {
  const log = join(folder, "server.log");
  const said = existsSync(log) ? readFileSync(log, "utf8").slice(-2_000) : "nothing";
  return new Error(`${kind} did not start; it said: ${said}`, { cause });
}

function testServer(parts: {
  kind: ServerKind;
  keeper: ChildProcess;
  host: string;
  port: number;
  folder: string;
  pid: number;
  ownFolder: boolean;
}): TestServer {
  const { kind, keeper, host, port, folder, pid, ownFolder } = parts;
  return {
    kind,
    host,
    port,
    folder,
    pid,
    async stop() {
      await ended(keeper, "stop");
      if (ownFolder) rmSync(folder, { recursive: true, force: true });
    },
    crash: () => ended(keeper, "crash"),
  };
}

function ended(keeper: ChildProcess, word: "stop" | "crash"): Promise<void> {
  return new Promise((resolve) => {
    if (keeper.exitCode !== null || keeper.signalCode !== null) return resolve();
    keeper.once("exit", () => resolve());
    keeper.stdin?.end(`${word}\n`);
  });
}
