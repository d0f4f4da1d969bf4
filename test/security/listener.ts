/**
 * Hears everything that a scheduler tells: its log at every level, its events, what is written to
 * the console, warnings of the process, and what a test hands it: errors, answers.
 */
import { inspect } from "node:util";
import { EVENT_NAMES } from "../../src/core/events.js";
import type { Logger } from "../../src/core/logger.js";
import type { Scheduler } from "../../src/types.js";

export class Listener {
  readonly #heard: string[] = [];
  readonly #endings: (() => void)[] = [];
  readonly logger: Logger;

  constructor() {
    const at = (level: string) => (fields: object, message: string) =>
      this.note(`log ${level}`, { fields, message });
    this.logger = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
    const warned = (warning: Error) => this.note("warning", warning);
    process.on("warning", warned);
    this.#endings.push(() => process.off("warning", warned));
    for (const name of ["log", "info", "warn", "error"] as const) {
      const real = console[name];
      console[name] = (...words: unknown[]) => this.note(`console.${name}`, words);
      this.#endings.push(() => {
        console[name] = real;
      });
    }
    this.#hearStream(process.stderr);
    this.#hearStream(process.stdout);
  }

  #hearStream(stream: NodeJS.WriteStream): void {
    const real = stream.write.bind(stream);
    stream.write = ((text: string, ...rest: never[]) => {
      this.note("stream", String(text));
      return real(text, ...rest);
    }) as typeof stream.write;
    this.#endings.push(() => {
      stream.write = real;
    });
  }

  /** As anybody may print it, hidden properties and causes of causes too. */
  note(what: string, value: unknown): void {
    const depth = { depth: 20, showHidden: true, getters: false };
    const whole = { maxArrayLength: null, maxStringLength: null, breakLength: Infinity };
    this.#heard.push(`${what}: ${inspect(value, { ...depth, ...whole })}`);
  }

  /** Everything that it tells from now on. */
  hear(scheduler: Scheduler): void {
    for (const name of EVENT_NAMES) {
      scheduler.on(name, (payload: unknown) => this.note(`event ${name}`, payload));
    }
  }

  /** What comes of a call, whether it is an answer or an error. */
  async outcome(what: string, call: () => unknown): Promise<Error | null> {
    try {
      this.note(`answer of ${what}`, await call());
      return null;
    } catch (error) {
      this.note(`error of ${what}`, error);
      return error as Error;
    }
  }

  /** What was heard that has one of these in it, shortened around the find. */
  findsOf(canaries: readonly string[]): string[] {
    return this.#heard.flatMap((text) => {
      const found = canaries.find((canary) => text.includes(canary));
      if (found === undefined) return [];
      const at = text.indexOf(found);
      return [`${text.slice(0, 80)} … ${text.slice(Math.max(0, at - 300), at + 60)}`];
    });
  }

  /** The longest thing that was heard, in characters. */
  get longest(): number {
    return Math.max(0, ...this.#heard.map(({ length }) => length));
  }

  has(text: string): boolean {
    return this.#heard.some((heard) => heard.includes(text));
  }

  close(): void {
    for (const end of this.#endings.splice(0)) end();
  }
}
