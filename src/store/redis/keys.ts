/**
 * The only place where a Redis key or channel is spelled. protocol/PROTOCOL.md says what each
 * holds.
 */

/** Keys of a shard that every script is given first, in the order of protocol/lua/lib/keys.lua. */
const SHARD_KEYS = [
  "meta",
  "leases",
  "lease",
  "cancels",
  "moments",
  "progress",
  "keepers",
  "schedules",
  "cursors",
  "firing",
] as const;

/** Keys of a task, in the order of protocol/lua/lib/keys.lua. */
const TASK_KEYS = [
  "jobs",
  "later",
  "due",
  "ready",
  "prio",
  "alone",
  "claimed",
  "tries",
  "ids",
  "idends",
  "ended",
  "dead",
  "cancelled",
  "completed",
  "stats",
  "sleepers",
  "errors",
  "bundles",
] as const;

/** The keys of one shard, as one scheduler uses them. */
export class ShardKeys {
  /** Shard and session: what every script gets first. */
  readonly base: readonly string[];
  readonly layout: string;
  /** Written to by whoever waits for the disk. */
  readonly synced: string;
  /** Wake-ups for this scheduler arrive here. */
  readonly channel: string;
  readonly #tag: string;
  readonly #tasks = new Map<string, readonly string[]>();

  constructor(args: { prefix: string; shard: number; identity: string }) {
    this.#tag = `${args.prefix}{${args.shard}}:`;
    const session = `${this.#tag}session:${args.identity}`;
    this.base = [...SHARD_KEYS.map((name) => this.#tag + name), session];
    this.layout = `${this.#tag}layout`;
    this.synced = `${this.#tag}synced`;
    this.channel = `${this.#tag}wake:${args.identity}`;
  }

  task(taskId: string): readonly string[] {
    let keys = this.#tasks.get(taskId);
    if (keys === undefined) {
      keys = TASK_KEYS.map((name) => `${this.#tag}t:${taskId}:${name}`);
      this.#tasks.set(taskId, keys);
    }
    return keys;
  }

  sleepers(taskId: string): string {
    return `${this.#tag}t:${taskId}:sleepers`;
  }
}
