/** Counts what passes between a client and a server: bytes each way, commands by MONITOR. */
import { connect, createServer } from "node:net";
import { Monitor, total } from "./redis-facts.mjs";

const SCRIPT_CALLS = ["EVALSHA", "EVAL", "FCALL"];

/**
 * @typedef {object} Passed
 * @property {number} commands that the client sent
 * @property {number} scripts script calls among them
 * @property {number} inside commands that ran inside scripts
 * @property {number} sentBytes
 * @property {number} receivedBytes
 */

/** Stands between a client and the server on `port`; the client connects to `meter.port`. */
export class Meter {
  port = 0;
  #serverPort;
  #monitor;
  #sent = 0;
  #received = 0;
  #server = createServer((client) => this.#join(client));
  /** @type {Set<import("node:net").Socket>} */
  #sockets = new Set();

  /** @param {number} serverPort */
  constructor(serverPort) {
    this.#serverPort = serverPort;
    this.#monitor = new Monitor(serverPort);
  }

  async start() {
    await this.#monitor.start();
    await new Promise((resolve) => this.#server.listen(0, "127.0.0.1", () => resolve(undefined)));
    const address = this.#server.address();
    this.port = typeof address === "object" && address !== null ? address.port : 0;
  }

  /**
   * What passes while `work` runs; nothing else may be under way.
   * @param {() => Promise<unknown>} work
   * @returns {Promise<Passed>}
   */
  async during(work) {
    await this.#monitor.take();
    const [sent, received] = [this.#sent, this.#received];
    await work();
    const heard = await this.#monitor.take();
    return {
      commands: total(heard.sent),
      scripts: SCRIPT_CALLS.reduce((sum, name) => sum + (heard.sent.get(name) ?? 0), 0),
      inside: total(heard.inside),
      sentBytes: this.#sent - sent,
      receivedBytes: this.#received - received,
    };
  }

  stop() {
    this.#monitor.stop();
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** @param {import("node:net").Socket} client */
  #join(client) {
    const server = connect(this.#serverPort, "127.0.0.1");
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => {});
      socket.on("close", () => {
        client.destroy();
        server.destroy();
      });
    }
    client.on("data", (chunk) => {
      this.#sent += chunk.length;
      server.write(chunk);
    });
    server.on("data", (chunk) => {
      this.#received += chunk.length;
      client.write(chunk);
    });
  }
}
