/**
 * A redis-server of the bench's own: on a free loopback port, in a temporary folder, without
 * persistence; gone when the bench is, however that ends.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Redis } from "ioredis";

const START_MS = 10_000;

/**
 * Ends the server when its standard input closes, which happens when the bench ends in any way.
 * The wait keeps the server's folder until the server has let go of it.
 */
const GUARD = `
folder=$1; shift
"$@" & server=$!
cat > /dev/null
kill $server 2> /dev/null; wait $server
rm -rf "$folder"
`;

/**
 * @typedef {object} Server
 * @property {number} port
 * @property {() => Promise<void>} stop harmless twice
 */

/**
 * @param {string} program
 * @param {readonly string[]} [before] a command that runs the program given to it
 * @returns {Promise<Server>}
 */
export async function startServer(program, before = []) {
  const folder = mkdtempSync(join(tmpdir(), "schedule-mq-bench-"));
  const port = await freePort();
  const log = join(folder, "server.log");
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--logfile", log];
  const own = ["--save", "", "--appendonly", "no", "--daemonize", "no"];
  // A group of its own: Ctrl-C is for the bench, which closes the pipe when it is done.
  const command = [...before, program, ...args, ...own];
  const guard = spawn("/bin/sh", ["-c", GUARD, "guard", folder, ...command], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  const ended = new Promise((resolve) => guard.once("exit", resolve));
  guard.once("error", () => rmSync(folder, { recursive: true, force: true }));
  const stop = async () => {
    guard.stdin.end();
    await ended;
  };
  try {
    await answers(port, folder);
  } catch (error) {
    const said = readLog(log);
    await stop();
    throw new Error(`redis-server did not start on port ${port}: ${said}`, { cause: error });
  }
  return { port, stop };
}

/** @returns {Promise<number>} a port that was free a moment ago */
function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

/**
 * Resolves when the server that works in `folder` answers on `port`.
 * @param {number} port
 * @param {string} folder
 */
async function answers(port, folder) {
  const until = performance.now() + START_MS;
  for (;;) {
    const client = new Redis({ host: "127.0.0.1", port, lazyConnect: true, retryStrategy: null });
    client.on("error", () => {});
    try {
      await client.connect();
      const [, dir] = /** @type {string[]} */ (await client.config("GET", "dir"));
      if (dir === folder) return;
      throw new Error("another server has this port");
    } catch (error) {
      if (performance.now() > until) throw error;
    } finally {
      client.disconnect();
    }
    await wait(20);
  }
}

/** @param {string} log */
function readLog(log) {
  try {
    return readFileSync(log, "utf8").slice(-1_000);
  } catch {
    return "it wrote no log";
  }
}
