/** The worker processes of the demo: started, listened to, killed, stopped. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";

/**
 * What a worker said about what it did.
 * @typedef {object} Said
 * @property {string} text for people
 * @property {number} at epoch ms
 * @property {"ready" | "tick" | "remind" | "mail" | "report"} task
 * @property {string} jobId
 * @property {number} attempt
 * @property {number} [scheduledFor]
 * @property {number} [step]
 * @property {boolean} [done]
 */

/** @typedef {Said & { worker: string, pid: number }} Event */

const PROGRAM = fileURLToPath(new URL("./worker.mjs", import.meta.url));

export class Worker {
  /** @type {{ code: number | null, signal: string | null } | null} */
  ended = null;

  /**
   * @param {string} name
   * @param {object} where the store, as for `createScheduler`
   * @param {(event: Event) => void} onEvent
   */
  constructor(name, where, onEvent) {
    this.name = name;
    this.child = fork(PROGRAM, [JSON.stringify(where)], { execArgv: [] });
    this.pid = this.child.pid ?? 0;
    this.child.on("message", (said) => {
      onEvent({ .../** @type {Said} */ (said), worker: name, pid: this.pid });
    });
    /** @type {Promise<void>} */
    this.exit = new Promise((resolve) => {
      this.child.on("exit", (code, signal) => {
        this.ended = { code, signal };
        resolve();
      });
    });
  }

  /** kill -9: no goodbye, no clean-up. */
  async kill() {
    this.child.kill("SIGKILL");
    await this.exit;
  }

  /** Asks it to stop, as a deployment would. */
  async stop() {
    this.child.kill("SIGTERM");
    await this.exit;
  }
}
