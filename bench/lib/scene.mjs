/** One measurement of one system: an empty store, agents, and an end that leaves nothing behind. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { CACHE } from "../../scripts/lib/project.mjs";
import { Agent } from "./agent.mjs";
import { Monitor, RedisFacts } from "./redis-facts.mjs";

/**
 * @typedef {import("./system.mjs").System} System
 * @typedef {import("./case.mjs").Size} Size
 */

/** The task of whatever is measured, and the one that warms code and connections up. */
export const TASK = "bench";
export const WARM = "warm";

/** How long the smaller calls to an agent may take. */
const CALL_MS = 20_000;

/** All files of this run: on the disk of the project, as the temporary folder may be memory. */
const FOLDER = join(CACHE, `bench-${process.pid}`);

let scenes = 0;

export function removeFiles() {
  rmSync(FOLDER, { recursive: true, force: true, maxRetries: 5 });
}

export class Scene {
  /** @type {Size} */
  size;
  bytes;
  limitMs;
  /** The server's facts; null: the system has no Redis. */
  redis;
  port;
  #system;
  #place;
  /** @type {Agent[]} */
  #agents = [];
  /** @type {Monitor | null} */
  #monitor = null;

  /**
   * @param {object} args
   * @param {string} args.system its key
   * @param {number} args.port of its Redis; 0: none
   * @param {Size} args.size
   * @param {number} args.bytes of a payload
   * @param {number} args.limitMs the longest that the measured part may take
   */
  constructor({ system, port, size, bytes, limitMs }) {
    scenes += 1;
    this.#system = system;
    this.#place = { port, folder: join(FOLDER, String(scenes)) };
    this.port = port;
    this.size = size;
    this.bytes = bytes;
    this.limitMs = limitMs;
    this.redis = port === 0 ? null : new RedisFacts(port);
  }

  async open() {
    mkdirSync(this.#place.folder, { recursive: true });
    await this.redis?.flush();
  }

  /** Calls of a producer in a process of its own; `name` as in produce.mjs. */
  producer() {
    return this.#agent("produce");
  }

  /** Calls of a worker in a process of its own; `name` as in consume.mjs. */
  worker() {
    return this.#agent("consume");
  }

  /** Listens to every command of the server; null: there is none. */
  async monitor() {
    if (this.redis === null) return null;
    this.#monitor = new Monitor(this.port);
    await this.#monitor.start();
    return this.#monitor;
  }

  /** Ends the agents, so that the next ones start anew. */
  async endAgents() {
    for (const agent of this.#agents.splice(0)) agent.kill();
    await this.redis?.alone();
  }

  close() {
    this.#monitor?.stop();
    for (const agent of this.#agents.splice(0)) agent.kill();
    this.redis?.close();
    rmSync(this.#place.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** @param {"produce" | "consume"} role */
  #agent(role) {
    const agent = new Agent(role, this.#system, this.#place);
    this.#agents.push(agent);
    /** @type {(name: string, args?: object) => Promise<any>} */
    return (name, args = {}) => {
      const limitMs = this.limitMs;
      return agent.call(name, { bytes: this.bytes, limitMs, ...args }, limitMs + CALL_MS);
    };
  }
}
