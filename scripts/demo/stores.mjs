/** The store of one demo: an embedded file or a Redis server, in a temporary folder of its own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { ensureServers, findServer } from "../lib/servers.mjs";

/**
 * @typedef {object} DemoStore
 * @property {import("schedule-mq").SchedulerOptions} where as for `createScheduler`
 * @property {string} description
 * @property {() => Promise<void>} close
 */

const HOST = "127.0.0.1";
const TRIES = 3;

/**
 * @param {{ redis: boolean }} options
 * @returns {Promise<DemoStore>}
 */
export async function openStore({ redis }) {
  const folder = mkdtempSync(join(tmpdir(), "schedule-mq-demo-"));
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  try {
    if (redis) return await onRedis(folder, remove);
  } catch (error) {
    remove();
    throw error;
  }
  const where = { store: { path: join(folder, "store.db") } };
  return { where, description: "an embedded SQLite file", close: async () => remove() };
}

/**
 * @param {string} folder
 * @param {() => void} remove
 * @returns {Promise<DemoStore>}
 */
async function onRedis(folder, remove) {
  if (findServer("redis") === null) await ensureServers();
  const program = findServer("redis");
  if (program === null) throw new Error("redis-server was not found");
  const { server, port } = await startRedis(program, folder);
  // The last resort when this process ends in a way that nobody foresaw.
  const kill = () => void server.kill("SIGKILL");
  process.once("exit", kill);
  return {
    where: { redisConfig: { host: HOST, port } },
    description: `a Redis server on port ${port}, with appendonly yes`,
    close: async () => {
      process.off("exit", kill);
      if (server.exitCode === null && server.signalCode === null) {
        server.kill("SIGTERM");
        await once(server, "exit");
      }
      remove();
    },
  };
}

/**
 * @param {string} program
 * @param {string} folder
 */
async function startRedis(program, folder) {
  for (let tries = 1; ; tries += 1) {
    // Somebody else may take the port before the server does; then it ends, and we try another.
    const port = await freePort();
    const own = ["--port", String(port), "--bind", HOST, "--dir", folder];
    const args = [...own, "--save", "", "--appendonly", "yes", "--daemonize", "no"];
    const server = spawn(program, args, { stdio: "ignore" });
    const failed = once(server, "error").then(([error]) => {
      throw error;
    });
    const ended = once(server, "exit").then(() => false);
    if (await Promise.race([answers(port), ended, failed])) return { server, port };
    server.kill("SIGKILL");
    if (tries === TRIES) throw new Error(`${program} did not start`);
  }
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, HOST, () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

/**
 * True as soon as somebody listens on the port; false when nobody does for too long.
 * @param {number} port
 */
async function answers(port) {
  for (let tries = 0; tries < 200; tries += 1) {
    const socket = connect({ host: HOST, port });
    const open = await Promise.race([
      once(socket, "connect").then(() => true),
      once(socket, "error").then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (open) return true;
    await pause(25);
  }
  return false;
}
