/** One hash-tagged part of the data: its keys, its two lanes of numbered calls, its scripts. */
import { type Clock, sleep } from "../../clock.js";
import { SchedulerError } from "../../core/errors.js";
import { ShardKeys } from "./keys.js";
import { Lane } from "./lane.js";
import type { Link } from "./link.js";
import type { Script, Verb } from "./scripts.js";
import type { KeyGroups } from "./wire.js";

/** Between two tries to get an answer. */
const AGAIN_MS = 50;

export type Scripts = Readonly<Record<Verb, Script>>;

export interface ShardParts {
  index: number;
  prefix: string;
  identity: string;
  connection: Link;
  clock: Clock;
  scripts: Scripts;
  loadScripts: () => Promise<void>;
  onForgotten: () => void;
}

export class Shard {
  readonly index: number;
  readonly keys: ShardKeys;
  readonly pushes: Lane;
  readonly works: Lane;
  readonly #clock: Clock;
  readonly #connection: Link;
  readonly #scripts: Scripts;

  constructor(parts: ShardParts) {
    this.index = parts.index;
    this.keys = new ShardKeys({
      prefix: parts.prefix,
      shard: parts.index,
      identity: parts.identity,
    });
    this.#clock = parts.clock;
    this.#connection = parts.connection;
    this.#scripts = parts.scripts;
    const lane = (name: "push" | "work") =>
      new Lane({
        name,
        connection: parts.connection,
        clock: parts.clock,
        script: parts.scripts[name],
        resync: parts.scripts.resync,
        keys: [this.keys.base],
        loadScripts: parts.loadScripts,
        onForgotten: parts.onForgotten,
      });
    this.pushes = lane("push");
    this.works = lane("work");
  }

  /** Calls can be sent to it now, as far as is known. */
  get isThere(): boolean {
    return this.#connection.isThere;
  }

  /** Why not. */
  unreachable(): SchedulerError {
    return this.#connection.unreachable();
  }

  /** Runs a verb that may be repeated without harm. */
  async run(
    verb: Verb,
    call: { taskKeys?: KeyGroups; args: readonly string[] },
  ): Promise<unknown[]> {
    const keys = [this.keys.base, ...(call.taskKeys ?? [])];
    const script = this.#scripts[verb];
    return (await this.#connection.run({ verb, script, keys, args: call.args })) as unknown[];
  }

  /** The same, again and again until there is an answer; only closing ends it without one. */
  async runUntilAnswered(
    verb: Verb,
    call: { taskKeys?: KeyGroups; args: readonly string[] },
  ): Promise<unknown[]> {
    const { life } = this.works;
    for (;;) {
      try {
        return await this.run(verb, call);
      } catch (error) {
        if (life !== this.works.life) throw error;
      }
      await sleep(this.#clock, AGAIN_MS);
      if (life !== this.works.life) throw closedMeanwhile();
    }
  }

  /** Runs a verb on one task; the task's name is the first argument. */
  async runOnTask(verb: Verb, taskId: string, args: readonly string[]): Promise<unknown[]> {
    return await this.run(verb, { taskKeys: [this.keys.task(taskId)], args: [taskId, ...args] });
  }
}

function closedMeanwhile(): SchedulerError {
  return new SchedulerError("STORE_CLOSED", "the scheduler was stopped meanwhile");
}

/** The tasks that one call names: each gets an index, counted from 1. */
export class TaskTable {
  readonly names: string[] = [];
  readonly #indexes = new Map<string, number>();

  indexOf(taskId: string): number {
    let index = this.#indexes.get(taskId);
    if (index === undefined) {
      index = this.names.push(taskId);
      this.#indexes.set(taskId, index);
    }
    return index;
  }

  nameOf(index: number): string {
    return this.names[index - 1] ?? "";
  }

  keys(shard: Shard): KeyGroups {
    return this.names.map((name) => shard.keys.task(name));
  }

  /** Their number and names, as scripts want them. */
  args(): string[] {
    return [String(this.names.length), ...this.names];
  }
}
