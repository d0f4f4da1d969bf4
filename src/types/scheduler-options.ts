/** The options of `createScheduler`. */
import type { Durability } from "../core/durability.js";
import type { Duration } from "../core/duration.js";
import type { Logger } from "../core/logger.js";
import type { StandardSchema } from "../core/standard-schema.js";
import type { InputOf, OutputOf, Untyped } from "./tasks.js";

/** What `createScheduler` takes; everything has a default. */
export interface SchedulerOptions<Tasks extends object = Untyped> {
  /**
   * Where Redis or Valkey is: a URL, options, or an ioredis client, whose settings are taken over
   * for connections of the scheduler's own. Left out: an embedded SQLite file. Given but empty
   * is an error.
   */
  redisConfig?: RedisConfig;
  /**
   * The embedded store: `"memory"` forgets everything at exit (for tests), `path` names the file.
   * @defaultValue `.schedule-mq/store.db` beside the nearest `package.json` upward
   */
  store?: "memory" | { path: string };
  /**
   * Separates applications that share a store; no braces.
   * @defaultValue "_schedule_mq:"
   */
  redisPrefix?: string;
  /**
   * The longest time between two looks at the store; wake-ups make it rarely matter.
   * @defaultValue 1000 (ms); from 10 ms to 1 h
   */
  pollInterval?: Duration;
  /**
   * How long a silent process keeps its jobs; renewed every third of it while it is alive.
   * @defaultValue "10s"; from 100 ms to 24 h
   */
  lease?: Duration;
  /**
   * How long a push may take before it rejects.
   * @defaultValue "5s"; from 10 ms to 1 h
   */
  pushTimeout?: Duration;
  /**
   * How long `stop()` lets running handlers go on before it aborts their signals.
   * @defaultValue "30s"; at most 24 h
   */
  stopTimeout?: Duration;
  /**
   * The longest JSON text of one job's data, in bytes.
   * @defaultValue 1048576 (1 MiB); at most 64 MiB
   */
  payloadLimit?: number;
  /**
   * How many pushed jobs may wait for the store's answer; a further `push` rejects at once.
   * @defaultValue 100000; from 1 to 10,000,000
   */
  maxPending?: number;
  /**
   * How many characters of JSON the data of these jobs may have together; what has begun below
   * this bound goes through.
   * @defaultValue 67108864; at most 4 GiB
   */
  maxPendingText?: number;
  /**
   * How long the `id` of a push is remembered after its job's end.
   * @defaultValue "24h"
   */
  idRetention?: Duration;
  /** What is kept of jobs that have ended. */
  retention?: RetentionOptions;
  /**
   * What a resolved push means: the store has it (`"store"`), its disk has it (`"fsync"`), or its
   * disk and a replica have it (`"replicas"`, only on Redis).
   * @defaultValue "fsync" where there is a file; "store" on Redis and in memory
   */
  durability?: Durability;
  /**
   * `start()` rejects unless the guarantee in force is at least this one. Asked again after each
   * reconnect: less is told by the `error` event and `health().reasons`, and nothing is refused.
   * @defaultValue none at the start; later what was in force then
   */
  requireDurability?: Durability;
  /**
   * Who renews the leases of running jobs while a handler blocks the event loop: a thread with a
   * connection of its own, or nobody.
   * @defaultValue "thread"; with `store: "memory"` nobody has to
   */
  renewFrom?: "thread" | "main";
  /**
   * Where the scheduler reports; called as `logger.warn(fields, message)`, so pino fits.
   * @defaultValue warnings, errors and one start-up line on stderr; `false` is silence
   */
  logger?: Logger | false;
  /** Validators by task id, asked at each push and before each run; no other tasks exist then. */
  tasks?: { readonly [Id in keyof Tasks]: StandardSchema<InputOf<Tasks[Id]>, OutputOf<Tasks[Id]>> };
}

/** What is kept of ended jobs: `false` only counts them; `age` and `count` (a task) bound them. */
export type KeepOption = false | { age?: Duration; count?: number };

/** What is kept of ended jobs, by state. */
export interface RetentionOptions {
  /** @defaultValue false */
  completed?: KeepOption;
  /** @defaultValue `{ age: "7d", count: 10000 }` */
  dead?: KeepOption;
  /** @defaultValue `{ age: "7d", count: 10000 }` */
  cancelled?: KeepOption;
}

/** Where Redis is. */
export type RedisConfig = string | RedisOptions | RedisClient | readonly RedisNode[];

/** A node of a Redis Cluster; one that answers names all others. */
export type RedisNode = string | { host: string; port?: number };

/** How to reach a Redis or Valkey server, one that Sentinels watch, or a Cluster. */
export interface RedisOptions {
  /** @defaultValue "localhost" */
  host?: string;
  /** @defaultValue 6379 */
  port?: number;
  /** A Unix socket, instead of host and port. */
  path?: string;
  /** IP version; 0: whichever answers. */
  family?: 0 | 4 | 6;
  username?: string | undefined;
  password?: string | undefined;
  /** @defaultValue 0 */
  db?: number | undefined;
  /** `true`, or the options of node:tls. */
  tls?: boolean | object | undefined;
  /** Sentinels to ask for the primary called `name`. */
  sentinels?: readonly { host: string; port?: number }[];
  /** The name that the Sentinels know the primary by. */
  name?: string;
  sentinelUsername?: string | undefined;
  sentinelPassword?: string | undefined;
  /** `true`, or the options of node:tls, for the Sentinels. */
  sentinelTLS?: boolean | object | undefined;
  /** Some nodes of a Redis Cluster, instead of host and port. A list alone means the same. */
  cluster?: readonly RedisNode[];
  /** Addresses as Sentinels or Cluster nodes give them, to addresses as seen from here. */
  natMap?: Readonly<Record<string, { host: string; port: number }>>;
  /**
   * Ms until an attempt to connect is given up; at most 4000, so that another one comes soon.
   * @defaultValue 4000
   */
  connectTimeout?: number;
  /** Ms of TCP keep-alive. */
  keepAlive?: number;
  noDelay?: boolean;
  /** The name shown by CLIENT LIST. */
  connectionName?: string;
}

/** An ioredis client, recognised by its shape. */
export interface RedisClient {
  readonly status: string;
  readonly options: object;
  duplicate(...args: never[]): unknown;
}
