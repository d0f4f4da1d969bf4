/** Makes a Redis Cluster of servers that run, with their own commands. */
import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";

/**
 * @typedef {object} Node
 * @property {string} host
 * @property {number} port
 * @property {number} busPort
 */

const SLOTS = 16_384;
const PATIENCE_MS = 30_000;

/**
 * Resolves when every node says that the cluster works.
 * @param {readonly Node[]} nodes primaries first
 * @param {number} primaries how many of them
 */
export async function formCluster(nodes, primaries) {
  const clients = nodes.map(({ host, port }) => new Redis({ host, port }));
  for (const client of clients) client.on("error", () => {});
  /**
   * @param {(client: Redis) => Promise<unknown>} question
   * @param {(text: string) => boolean} holds
   */
  const all = async (question, holds) => {
    const end = performance.now() + PATIENCE_MS;
    for (;;) {
      const answers = await Promise.all(clients.map(question));
      if (answers.every((answer) => holds(String(answer)))) return;
      if (performance.now() > end) throw new Error("the cluster did not form in time");
      await pause(50);
    }
  };
  try {
    const ids = await Promise.all(clients.map((client) => client.call("CLUSTER", "MYID")));
    for (const [n, client] of clients.entries()) {
      await client.call("CLUSTER", "SET-CONFIG-EPOCH", String(n + 1));
      if (n >= primaries) continue;
      const from = Math.ceil((n * SLOTS) / primaries);
      const to = Math.ceil(((n + 1) * SLOTS) / primaries) - 1;
      await client.call("CLUSTER", "ADDSLOTSRANGE", String(from), String(to));
    }
    for (const { host, port, busPort } of nodes.slice(1)) {
      await clients[0]?.call("CLUSTER", "MEET", host, String(port), String(busPort));
    }
    const isComplete = (/** @type {string} */ text) =>
      text.trim().split("\n").length === nodes.length && !/handshake|noaddr/.test(text);
    await all((client) => client.call("CLUSTER", "NODES"), isComplete);
    for (const [n, client] of clients.entries()) {
      if (n < primaries) continue;
      await client.call("CLUSTER", "REPLICATE", String(ids[n % primaries]));
    }
    await all(
      (client) => client.info("replication"),
      (text) => !text.includes("link_status:down"),
    );
    await all(
      (client) => client.call("CLUSTER", "INFO"),
      (text) => text.includes("state:ok"),
    );
  } finally {
    for (const client of clients) client.disconnect();
  }
}
