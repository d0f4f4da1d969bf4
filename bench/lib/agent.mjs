/** A producer or a worker in a process of its own, seen from the bench: calls and their answers. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";

/** @typedef {import("./system.mjs").Place} Place */

const PROGRAM = fileURLToPath(new URL("agent-main.mjs", import.meta.url));

/** How much of what an agent said on stderr is shown when it fails. */
const MOST_SAID = 2_000;

/** All that run, so that whoever ends the bench can end them. @type {Set<Agent>} */
const running = new Set();

export function killAgents() {
  for (const agent of running) agent.kill();
}

export class Agent {
  #child;
  /** @type {Map<number, { resolve: (value: any) => void, reject: (error: Error) => void }>} */
  #waiting = new Map();
  #calls = 0;
  #said = "";
  #name;

  /**
   * @param {"produce" | "consume"} role
   * @param {string} system
   * @param {Place} place
   */
  constructor(role, system, place) {
    this.#name = `${system} ${role === "produce" ? "producer" : "worker"}`;
    this.#child = fork(PROGRAM, [role, system, JSON.stringify(place)], {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    running.add(this);
    this.#child.stderr?.on("data", (chunk) => {
      this.#said = (this.#said + String(chunk)).slice(-MOST_SAID);
    });
    this.#child.on("message", (message) => this.#answered(/** @type {any} */ (message)));
    this.#child.on("exit", () => this.#ended());
    this.#child.on("error", () => this.#ended());
  }

  /**
   * Runs a function of the agent; rejects when it fails or takes longer than `limitMs`.
   * @param {string} name
   * @param {object} args
   * @param {number} limitMs
   * @returns {Promise<any>}
   */
  call(name, args, limitMs) {
    this.#calls += 1;
    const id = this.#calls;
    return new Promise((resolve, reject) => {
      const late = `${this.#name}: ${name} took longer than ${Math.round(limitMs / 1_000)} s`;
      const timer = setTimeout(() => reject(new Error(`${late}${this.#words()}`)), limitMs);
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(id);
      };
      this.#waiting.set(id, {
        resolve: (value) => {
          done();
          resolve(value);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      });
      this.#child.send({ id, name, args }, (error) => {
        if (error) this.#waiting.get(id)?.reject(this.#gone());
      });
    });
  }

  kill() {
    this.#child.kill("SIGKILL");
  }

  /** @param {{ id: number, value?: unknown, error?: string }} message */
  #answered({ id, value, error }) {
    const waiting = this.#waiting.get(id);
    if (error === undefined) waiting?.resolve(value);
    else waiting?.reject(new Error(`${this.#name}: ${error}${this.#words()}`));
  }

  #ended() {
    running.delete(this);
    for (const { reject } of [...this.#waiting.values()]) reject(this.#gone());
  }

  #gone() {
    return new Error(`${this.#name}: its process ended${this.#words()}`);
  }

  #words() {
    return this.#said === "" ? "" : `; it said: ${this.#said.trim()}`;
  }
}
