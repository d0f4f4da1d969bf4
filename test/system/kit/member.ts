/** One process of a test: started, heard, told, killed, and waited for. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { until, within } from "../../support/until.js";

export interface Message {
  type: string;
  /** Epoch ms at which it arrived. */
  at: number;
  code?: string;
  ids?: string[];
  pushed?: number;
  reason?: string;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** Loading Node and the library on a busy machine. */
const START_MS = 15_000;

export class Member {
  readonly messages: Message[] = [];
  readonly exit: Promise<Exit>;
  readonly #child: ChildProcess;
  #said = "";
  #ended: Exit | null = null;
  #killed = false;

  constructor(program: string, orders: object) {
    const path = fileURLToPath(new URL(`../programs/${program}.mjs`, import.meta.url));
    const child = fork(path, [JSON.stringify(orders)], {
      // What this process was started with is not theirs.
      execArgv: [],
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (bytes) => {
        this.#said += String(bytes);
      });
    }
    child.on("message", (message: Message) => {
      this.messages.push({ ...message, at: Date.now() });
    });
    this.exit = new Promise((resolve) => {
      child.on("exit", (code, signal) => {
        this.#ended = { code, signal };
        resolve(this.#ended);
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get alive(): boolean {
    return this.#ended === null;
  }

  /** What it printed. */
  get said(): string {
    return this.#said;
  }

  has(type: string): boolean {
    return this.messages.some((message) => message.type === type);
  }

  /** The first message of a type, which may have come already. */
  hears(type: string, timeoutMs: number = START_MS): Promise<Message> {
    return until(
      `"${type}" from process ${this.pid}`,
      () => {
        const message = this.messages.find((one) => one.type === type);
        if (message === undefined && !this.alive) {
          throw new Error(`process ${this.pid} ended without "${type}": ${this.#said}`);
        }
        return message;
      },
      timeoutMs,
    );
  }

  tell(word: string): void {
    this.#child.send(word);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** kill -9; resolves when it is gone. */
  kill(): Promise<Exit> {
    this.expectDeath();
    this.#child.kill("SIGKILL");
    return this.exit;
  }

  /** Its death by a signal is part of the test. */
  expectDeath(): void {
    this.#killed = true;
  }

  /** Its end, which has to come by itself. */
  ends(timeoutMs: number): Promise<Exit> {
    return within(`the end of process ${this.pid}`, this.exit, timeoutMs);
  }

  /** What is wrong with the way it ended; null: nothing, or it still lives. */
  complaint(): string | null {
    const ended = this.#ended;
    if (ended === null || ended.code === 0) return null;
    if (this.#killed && ended.signal !== null) return null;
    return `process ${this.pid} ended with ${ended.signal ?? ended.code}: ${this.#said}`;
  }
}
