/** What a Redis server says about itself: CPU, memory, and who sends what. */
import { createConnection } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { Redis } from "ioredis";

const QUIET_MS = 5_000;

export class RedisFacts {
  #client;

  /** @param {number} port */
  constructor(port) {
    this.#client = new Redis({ host: "127.0.0.1", port });
  }

  /** CPU time of the server so far, µs. */
  async cpuUs() {
    const info = await this.#info("cpu");
    return (Number(info.used_cpu_sys) + Number(info.used_cpu_user)) * 1e6;
  }

  /** CPU time so far, µs: of the server, and of scripts, by their own clock. */
  async spent() {
    const { cmdstat_evalsha: stat = "" } = await this.#info("commandstats");
    const [, usec = "0"] = /usec=(\d+)/.exec(stat) ?? [];
    return { cpuUs: await this.cpuUs(), scriptUs: Number(usec) };
  }

  /** Without the buffers of connections, which come and go. */
  async memoryBytes() {
    const { used_memory: used, mem_clients_normal: clients } = await this.#info("memory");
    return Number(used) - Number(clients);
  }

  /** Connections of others. */
  async connections() {
    return Number((await this.#info("clients")).connected_clients) - 1;
  }

  async version() {
    return String((await this.#info("server")).redis_version);
  }

  /** Deletes everything; scripts stay. */
  flush() {
    return this.#client.flushall("SYNC");
  }

  /** Resolves when nobody else is connected: their buffers count as memory. */
  async alone() {
    const until = performance.now() + QUIET_MS;
    while ((await this.connections()) > 0) {
      if (performance.now() > until) throw new Error("a client did not close its connections");
      await wait(10);
    }
  }

  close() {
    this.#client.disconnect();
  }

  /**
   * @param {string} section
   * @returns {Promise<Record<string, string>>}
   */
  async #info(section) {
    const text = await this.#client.info(section);
    const lines = text.split("\r\n").filter((line) => line.includes(":"));
    return Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]),
    );
  }
}

/**
 * @typedef {object} Heard
 * @property {Map<string, number>} sent commands that clients sent, by name
 * @property {Map<string, number>} inside commands that ran inside scripts, by name
 */

/**
 * Listens to every command of a server by MONITOR: exact, and able to tell what clients sent from
 * what ran inside scripts, which INFO is not.
 */
export class Monitor {
  #port;
  /** @type {import("node:net").Socket | null} */
  #socket = null;
  #rest = "";
  /** @type {Heard} */
  #heard = { sent: new Map(), inside: new Map() };
  /** @type {{ word: string, resolve: () => void } | null} */
  #mark = null;
  #marks = 0;

  /** @param {number} port */
  constructor(port) {
    this.#port = port;
  }

  async start() {
    const socket = createConnection(this.#port, "127.0.0.1");
    this.#socket = socket;
    socket.setEncoding("utf8");
    await new Promise((resolve, reject) => {
      socket.once("error", reject);
      socket.once("data", resolve);
      socket.write("MONITOR\r\n");
    });
    socket.on("data", (chunk) => this.#read(String(chunk)));
  }

  /** Everything since the last call (or the start), up to this moment. */
  async take() {
    await this.#passed();
    const heard = this.#heard;
    this.#heard = { sent: new Map(), inside: new Map() };
    return heard;
  }

  stop() {
    this.#socket?.destroy();
  }

  /** Resolves when all that the server did so far has been read: a marked command comes last. */
  async #passed() {
    this.#marks += 1;
    const word = `bench-mark-${this.#marks}`;
    const client = createConnection(this.#port, "127.0.0.1");
    const passed = new Promise((resolve) => {
      this.#mark = { word, resolve: () => resolve(undefined) };
    });
    client.on("error", () => {});
    client.write(`ECHO ${word}\r\n`);
    await passed;
    client.destroy();
  }

  /** @param {string} chunk */
  #read(chunk) {
    const lines = (this.#rest + chunk).split("\r\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      const [, source, command = ""] = /^\+[\d.]+ \[\d+ (\S+)\] "([^"]+)"/.exec(line) ?? [];
      if (this.#mark !== null && line.endsWith(`"${this.#mark.word}"`)) {
        this.#mark.resolve();
        this.#mark = null;
        continue;
      }
      const counts = source === "lua" ? this.#heard.inside : this.#heard.sent;
      const name = command.toUpperCase();
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
}

/** @param {ReadonlyMap<string, number>} counts */
export function total(counts) {
  let sum = 0;
  for (const count of counts.values()) sum += count;
  return sum;
}
