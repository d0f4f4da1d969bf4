/** The store of one demo: an embedded file, a Redis server or a Cluster, in a temporary folder. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { ensureServers, findServer } from "../lib/servers.mjs";
import { formCluster } from "./cluster.mjs";

/**
 * @typedef {object} DemoStore
 * @property {import("schedule-mq").SchedulerOptions} where as for `createScheduler`
 * @property {string} description
 * @property {() => Promise<void>} close
 */

const HOST = "127.0.0.1";
const TRIES = 3;
/** Three primaries and a replica of each. */
const CLUSTER_NODES = 6;

/**
 * @param {{ redis?: boolean, cluster?: boolean }} options
 * @returns {Promise<DemoStore>}
 */
export async function openStore({ redis = false, cluster = false }) {
  const folder = mkdtempSync(join(tmpdir(), "schedule-mq-demo-"));
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  try {
    if (redis) return await onRedis(folder, remove);
    if (cluster) return await onCluster(folder, remove);
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
  const program = await serverProgram();
  const { server, port } = await startRedis(program, folder);
  return {
    where: { redisConfig: { host: HOST, port } },
    description: `a Redis server on port ${port}, with appendonly yes`,
    close: closing([server], remove),
  };
}

/**
 * @param {string} folder
 * @param {() => void} remove
 * @returns {Promise<DemoStore>}
 */
async function onCluster(folder, remove) {
  const program = await serverProgram();
  /** @type {import("node:child_process").ChildProcess[]} */
  const servers = [];
  /** @type {import("./cluster.mjs").Node[]} */
  const nodes = [];
  const close = closing(servers, remove);
  try {
    for (let n = 0; n < CLUSTER_NODES; n += 1) {
      const own = join(folder, String(n));
      mkdirSync(own);
      const busPort = await freePort();
      const args = ["--cluster-enabled", "yes", "--cluster-port", String(busPort)];
      const { server, port } = await startRedis(program, own, args);
      servers.push(server);
      nodes.push({ host: HOST, port, busPort });
    }
    await formCluster(nodes, CLUSTER_NODES / 2);
  } catch (error) {
    await close();
    throw error;
  }
  const cluster = nodes.map(({ host, port }) => ({ host, port }));
  const ports = cluster.map(({ port }) => port).join(", ");
  return {
    where: { redisConfig: { cluster } },
    description: `a Redis Cluster of three primaries and three replicas on ports ${ports}`,
    close,
  };
}

async function serverProgram() {
  if (findServer("redis") === null) await ensureServers();
  const program = findServer("redis");
  if (program === null) throw new Error("redis-server was not found");
  return program;
}

/**
 * @param {readonly import("node:child_process").ChildProcess[]} servers all of them, by the end
 * @param {() => void} remove
 */
function closing(servers, remove) {
  // The last resort when this process ends in a way that nobody foresaw.
  const kill = () => void servers.forEach((server) => void server.kill("SIGKILL"));
  process.once("exit", kill);
  return async () => {
    process.off("exit", kill);
    for (const server of servers) {
      if (server.exitCode !== null || server.signalCode !== null) continue;
      server.kill("SIGTERM");
      await once(server, "exit");
    }
    remove();
  };
}

/**
 * @param {string} program
 * @param {string} folder
 * @param {readonly string[]} [more] arguments
 */
async function startRedis(program, folder, more = []) {
  for (let tries = 1; ; tries += 1) {
    // Somebody else may take the port before the server does; then it ends, and we try another.
    const port = await freePort();
    const own = ["--port", String(port), "--bind", HOST, "--dir", folder];
    const args = [...own, "--save", "", "--appendonly", "yes", "--daemonize", "no", ...more];
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
