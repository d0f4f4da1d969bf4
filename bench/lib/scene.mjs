/** One measurement of one system: an empty store, agents, and an end that leaves nothing behind. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { CACHE } from "../../scripts/lib/project.mjs";
import { Agent } from "./agent.mjs";
import { taskIdsOf } from "./payload.mjs";
import { Monitor, RedisFacts } from "./redis-facts.mjs";
import { DEFAULT_MODE } from "./system.mjs";

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
  tasks;
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
   * @param {number} args.tasks that the jobs are spread over
   * @param {Partial<import("./system.mjs").Mode>} args.mode
   * @param {number} args.limitMs the longest that the measured part may take
   */
  constructor({ system, port, size, bytes, tasks, mode, limitMs }) {
    scenes += 1;
    this.#system = system;
    this.#place = { ...DEFAULT_MODE, ...mode, port, folder: join(FOLDER, String(scenes)) };
    this.tasks = tasks;
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

  /** The key of the system. */
  get system() {
    return this.#system;
  }

  get place() {
    return this.#place;
  }

  /**
   * The tasks of a worker, and how many jobs of each it may run at once.
   * @param {string} taskId
   * @param {number} concurrency in all
   */
  load(taskId, concurrency) {
    const each = Math.max(1, Math.ceil(concurrency / this.tasks));
    return { taskIds: taskIdsOf(taskId, this.tasks), concurrency: each };
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

  /** Leaves nothing behind that takes memory or disk while others are measured. */
  async close() {
    this.#monitor?.stop();
    for (const agent of this.#agents.splice(0)) agent.kill();
    await this.redis?.flush().catch(() => {});
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
      const { bytes, tasks } = this;
      return agent.call(name, { bytes, tasks, limitMs, ...args }, limitMs + CALL_MS);
    };
  }
}
