/** Checks the options of `createScheduler`. */
import { DURABILITIES, type Durability } from "../durability.js";
import type { KeepRules } from "../keep.js";
import type { Logger } from "../logger.js";
import { quote, show } from "../show.js";
import { isStandardSchema, type StandardSchema } from "../standard-schema.js";
import type { TaskValidators } from "./context.js";
import { checkName } from "./ids.js";
import {
  conflict,
  durationOption,
  invalid,
  isPlainObject,
  type KnownOptions,
  missing,
  readOptions,
  wholeOption,
  wordOption,
} from "./read.js";
import { type CheckedRedis, checkRedisConfig } from "./redis.js";
import { checkKeep } from "./retention.js";

export interface CheckedSchedulerOptions {
  /** null: the embedded store. */
  redis: CheckedRedis | null;
  /** null: Redis. `path` null: the default file. */
  sqlite: { path: string | null } | "memory" | null;
  redisPrefix: string;
  pollIntervalMs: number;
  leaseMs: number;
  pushTimeoutMs: number;
  stopTimeoutMs: number;
  payloadLimitBytes: number;
  /** Jobs. */
  maxPending: number;
  /** Characters of payload. */
  maxPendingText: number;
  keep: KeepRules;
  durability: Durability;
  /** null: whatever is in force will do. */
  requireDurability: Durability | null;
  renewFrom: "thread" | "main";
  /** For schedules that do not say it themselves. */
  misfireAfterMs: number;
  /** undefined: the default one. */
  logger: Logger | false | undefined;
  tasks: TaskValidators;
}

const HOUR_MS = 3_600_000;
const MIB = 1_048_576;
const LONGEST_PREFIX = 100;
export const DEFAULT_PREFIX = "_schedule_mq:";
export const DEFAULT_MISFIRE_AFTER_MS = 60_000;

const INSIDE_REDIS_CONFIG = "put it into redisConfig: { … }";
const KNOWN: KnownOptions = {
  names: [
    "redisConfig",
    "store",
    "redisPrefix",
    "pollInterval",
    "lease",
    "pushTimeout",
    "stopTimeout",
    "payloadLimit",
    "maxPending",
    "maxPendingText",
    "idRetention",
    "retention",
    "durability",
    "requireDurability",
    "renewFrom",
    "logger",
    "tasks",
  ],
  hints: {
    host: INSIDE_REDIS_CONFIG,
    port: INSIDE_REDIS_CONFIG,
    password: INSIDE_REDIS_CONFIG,
    db: INSIDE_REDIS_CONFIG,
    redis: 'did you mean "redisConfig"?',
    connection: 'did you mean "redisConfig"?',
    prefix: 'did you mean "redisPrefix"?',
    concurrency: "it belongs to bind()",
    timezone: "it belongs to register()",
    misfireAfter: "it belongs to register()",
  },
};

const WHERE = "createScheduler()";

export function checkSchedulerOptions(given: unknown): CheckedSchedulerOptions {
  const read = readOptions(given, WHERE, KNOWN);
  const wantsRedis = isPlainObject(given) && Object.hasOwn(given, "redisConfig");
  if (wantsRedis && read.store !== undefined) {
    throw conflict(WHERE, "redisConfig and store are both given", "use one of them");
  }
  const redis = wantsRedis ? checkRedisConfig(read.redisConfig, WHERE) : null;
  const sqlite = redis === null ? checkStore(read.store) : null;
  return {
    redis,
    sqlite,
    redisPrefix: checkPrefix(read.redisPrefix),
    ...checkTimes(read),
    ...checkSizes(read),
    keep: checkKeep(read.retention, read.idRetention, WHERE),
    ...checkDurability(read, { redis, sqlite }),
    renewFrom: wordOption(read.renewFrom, {
      where: WHERE,
      name: "renewFrom",
      fallback: "thread",
      words: ["thread", "main"],
    }),
    misfireAfterMs: DEFAULT_MISFIRE_AFTER_MS,
    logger: checkLogger(read.logger),
    tasks: checkTasks(read.tasks),
  };
}

function checkDurability(
  read: Record<string, unknown>,
  { redis, sqlite }: Pick<CheckedSchedulerOptions, "redis" | "sqlite">,
): Pick<CheckedSchedulerOptions, "durability" | "requireDurability"> {
  const word = <Fallback>(name: string, fallback: Fallback): Durability | Fallback => {
    if (read[name] === undefined) return fallback;
    const words = DURABILITIES;
    const found = wordOption(read[name], { where: WHERE, name, fallback: "store", words });
    if (found !== "replicas" || redis !== null) return found;
    throw conflict(WHERE, `${name} is "replicas", and the embedded store has none`, 'use "fsync"');
  };
  const isFile = redis === null && sqlite !== "memory";
  return {
    durability: word("durability", isFile ? "fsync" : "store"),
    requireDurability: word("requireDurability", null),
  };
}

function checkTimes(
  read: Record<string, unknown>,
): Pick<CheckedSchedulerOptions, "pollIntervalMs" | "leaseMs" | "pushTimeoutMs" | "stopTimeoutMs"> {
  const time = (name: string, bounds: { fallback: number; min: number; max: number }): number =>
    durationOption(read[name], { where: WHERE, name, ...bounds });
  return {
    pollIntervalMs: time("pollInterval", { fallback: 1_000, min: 10, max: HOUR_MS }),
    leaseMs: time("lease", { fallback: 10_000, min: 100, max: 24 * HOUR_MS }),
    pushTimeoutMs: time("pushTimeout", { fallback: 5_000, min: 10, max: HOUR_MS }),
    stopTimeoutMs: time("stopTimeout", { fallback: 30_000, min: 0, max: 24 * HOUR_MS }),
  };
}

function checkSizes(
  read: Record<string, unknown>,
): Pick<CheckedSchedulerOptions, "payloadLimitBytes" | "maxPending" | "maxPendingText"> {
  const size = (name: string, bounds: { fallback: number; max: number }): number =>
    wholeOption(read[name], { where: WHERE, name, min: 1, ...bounds });
  return {
    payloadLimitBytes: size("payloadLimit", { fallback: MIB, max: 64 * MIB }),
    maxPending: size("maxPending", { fallback: 100_000, max: 10_000_000 }),
    maxPendingText: size("maxPendingText", { fallback: 64 * MIB, max: 4096 * MIB }),
  };
}

function checkStore(store: unknown): CheckedSchedulerOptions["sqlite"] {
  if (store === undefined) return { path: null };
  if (store === "memory") return "memory";
  if (!isPlainObject(store)) {
    throw invalid(WHERE, `store must be "memory" or { path }, got ${show(store)}`, {
      fix: storeFix(store),
      value: store,
    });
  }
  const { path } = readOptions(store, `${WHERE}: store`, { names: ["path"] });
  if (path === undefined || path === "") {
    throw missing(
      `${WHERE}: store`,
      `path is ${path === "" ? "empty" : "missing"}`,
      'use { path: "jobs.db" }, or leave store out for the default file',
    );
  }
  if (typeof path === "string") return { path };
  throw invalid(`${WHERE}: store`, `path must be a string, got ${show(path)}`, {
    fix: 'use { path: "jobs.db" }',
    value: path,
  });
}

function storeFix(store: unknown): string {
  if (typeof store !== "string") return 'use { path: "jobs.db" }';
  return store.includes("://") ? "use redisConfig" : `use { path: ${quote(store)} }`;
}

function checkPrefix(prefix: unknown): string {
  if (prefix === undefined) return DEFAULT_PREFIX;
  const bad = (problem: string, fix: string): never => {
    throw invalid(WHERE, `redisPrefix ${problem}`, { fix, value: prefix });
  };
  if (typeof prefix !== "string")
    return bad(`must be a string, got ${show(prefix)}`, 'e.g. "app:"');
  if (prefix === "") return bad("is empty", 'use a word of your own, e.g. "app:"');
  if (/[{}]/.test(prefix)) {
    return bad(
      `${quote(prefix)} has braces, which decide the slot of a key in a Redis Cluster`,
      `use ${quote(prefix.replaceAll(/[{}]/g, ""))}`,
    );
  }
  if (prefix.length > LONGEST_PREFIX) {
    return bad(`${quote(prefix, 20)} is too long`, `use at most ${LONGEST_PREFIX} characters`);
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  if (/[\u0000-\u0020\u007f]|\p{Surrogate}/u.test(prefix)) {
    return bad(`${quote(prefix)} has white space or control characters`, 'e.g. "app:"');
  }
  return prefix;
}

const LEVELS = ["debug", "info", "warn", "error"] as const;

function checkLogger(logger: unknown): CheckedSchedulerOptions["logger"] {
  if (logger === undefined || logger === false) return logger;
  const usable = (typeof logger === "object" || typeof logger === "function") && logger !== null;
  const lacking = usable
    ? LEVELS.find((level) => typeof Reflect.get(logger, level) !== "function")
    : LEVELS[0];
  if (lacking === undefined) return logger as Logger;
  const problem = usable ? `has no method ${lacking}` : `must be a logger, got ${show(logger)}`;
  throw invalid(WHERE, `logger ${problem}`, {
    fix: "use an object with debug, info, warn and error, or false for silence",
    value: logger,
  });
}

function checkTasks(tasks: unknown): TaskValidators {
  if (tasks === undefined) return null;
  if (!isPlainObject(tasks)) {
    throw invalid(WHERE, `tasks must be an object of validators, got ${show(tasks)}`, {
      fix: "use tasks: { email: z.object({ … }) }",
      value: tasks,
    });
  }
  const validators = new Map<string, StandardSchema>();
  for (const [id, validator] of Object.entries(tasks)) {
    if (!isStandardSchema(validator)) {
      throw invalid(
        `${WHERE}: tasks`,
        `${quote(id)} must be a Standard Schema validator, got ${show(validator)}`,
        { fix: "use a schema of zod, valibot, arktype or alike", value: validator },
      );
    }
    validators.set(checkName(id, "a task id", `${WHERE}: tasks`), validator);
  }
  return validators;
}
