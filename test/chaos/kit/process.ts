/** One process of a fault run: started, told, stopped, killed; its end is noted whatever comes. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

export type Role = "worker" | "pusher" | "registrar";

export interface Ended {
  code: number | null;
  signal: string | null;
  said: string;
}

const WRONG_CLOCK = new URL("../programs/wrong-clock.mjs", import.meta.url).href;

export class Process {
  readonly name: string;
  readonly role: Role;
  readonly ended: Promise<Ended>;
  /** It has said that it works. */
  readonly isUp: Promise<boolean>;
  #child: ChildProcess;
  #alive = true;
  #stopped = false;
  #leaving = false;

  /** `wrongByMs`: what is to be added to the wall clock of its process; 0: it is right. */
  constructor(args: {
    name: string;
    role: Role;
    orders: object;
    env: Record<string, string>;
    wrongByMs: number;
  }) {
    this.name = args.name;
    this.role = args.role;
    const path = fileURLToPath(new URL(`../programs/${args.role}.mjs`, import.meta.url));
    this.#child = fork(path, [JSON.stringify(args.orders)], {
      execArgv: args.wrongByMs === 0 ? [] : ["--import", WRONG_CLOCK],
      env: { ...process.env, ...args.env, CHAOS_CLOCK_MS: String(args.wrongByMs) },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    let said = "";
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on("data", (bytes) => {
        said = (said + String(bytes)).slice(-4_000);
      });
    }
    this.#child.on("error", () => {});
    this.ended = new Promise((resolve) => {
      this.#child.on("exit", (code, signal) => {
        this.#alive = false;
        resolve({ code, signal, said });
      });
    });
    this.isUp = new Promise((resolve) => {
      this.#child.on("message", ({ type }: { type: string }) => type === "up" && resolve(true));
      void this.ended.then(() => resolve(false));
    });
  }

  get alive(): boolean {
    return this.#alive;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** It has been told to end. */
  get leaving(): boolean {
    return this.#leaving;
  }

  tell(word: string): void {
    if (this.#alive && this.#child.connected) this.#child.send(word, () => {});
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  terminate(): void {
    this.#leaving = true;
    this.#child.kill("SIGTERM");
  }

  freeze(): void {
    this.#stopped = this.#child.kill("SIGSTOP");
  }

  thaw(): void {
    this.#stopped = false;
    this.#child.kill("SIGCONT");
  }
}
