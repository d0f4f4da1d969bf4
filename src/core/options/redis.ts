/** Checks `redisConfig` without interpreting it; of its values only numbers are ever shown. */
import { SchedulerError } from "../errors.js";
import { kindOf } from "../show.js";
import { conflict, invalid, isPlainObject, missing, readOptions, wholeOption } from "./read.js";

/** A URL, options, or an ioredis client: the store makes its connections of it. */
export type CheckedRedis = string | object;

const OURS = "leave it out: the scheduler sets up its connections itself";
const KNOWN = {
  names: [
    "host",
    "port",
    "path",
    "family",
    "username",
    "password",
    "db",
    "tls",
    "sentinels",
    "name",
    "sentinelUsername",
    "sentinelPassword",
    "sentinelTLS",
    "cluster",
    "natMap",
    "connectTimeout",
    "keepAlive",
    "noDelay",
    "connectionName",
  ],
  hints: {
    keyPrefix: "use redisPrefix, beside redisConfig",
    prefix: "use redisPrefix, beside redisConfig",
    url: 'give the URL itself: redisConfig: "redis://…"',
    user: 'did you mean "username"?',
    pass: 'did you mean "password"?',
    database: 'did you mean "db"?',
    retryStrategy: OURS,
    reconnectOnError: OURS,
    maxRetriesPerRequest: OURS,
    enableReadyCheck: OURS,
    enableOfflineQueue: OURS,
    autoResendUnfulfilledCommands: OURS,
    autoResubscribe: OURS,
    lazyConnect: OURS,
    commandTimeout: "use pushTimeout, beside redisConfig",
  },
};

const LONGEST_URL = 4_096;

/** Each of them says where the server is. */
const ADDRESSES = ["host", "port", "path", "sentinels", "cluster"];
const HOW = 'use "redis://host:6379" or { host, port }, or leave redisConfig out';

export function checkRedisConfig(given: unknown, call: string): CheckedRedis {
  const where = `${call}: redisConfig`;
  if (given === undefined || given === null || given === "") {
    throw missing(call, `redisConfig is ${given === "" ? "empty" : String(given)}`, HOW);
  }
  if (typeof given === "string") return checkUrl(given, where);
  if (typeof given === "object" && looksLikeClient(given)) return given;
  // As ioredis takes the nodes of a Cluster.
  if (Array.isArray(given)) return checkOptions({ cluster: given }, where);
  if (!isPlainObject(given)) {
    throw invalid(where, `must be a URL, options or an ioredis client, got ${kindOf(given)}`, {
      fix: HOW,
    });
  }
  return checkOptions(given, where);
}

/** Recognised by its shape, so that no version of ioredis has to be loaded to know one. */
function looksLikeClient(value: object): boolean {
  return (
    typeof Reflect.get(value, "duplicate") === "function" &&
    typeof Reflect.get(value, "status") === "string" &&
    typeof Reflect.get(value, "options") === "object"
  );
}

function checkUrl(text: string, where: string): string {
  if (text.length > LONGEST_URL) throw badUrl("***", where, "is too long");
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw badUrl(text, where, "is not a URL");
  }
  if (url.protocol !== "redis:" && url.protocol !== "rediss:") {
    throw badUrl(text, where, "is not a redis: or rediss: URL");
  }
  if (url.hostname === "") throw badUrl(text, where, "names no host");
  if (!/^(?:\/\d{0,5})?$/.test(url.pathname)) {
    throw badUrl(text, where, "has a path that is not a database number");
  }
  return text;
}

function badUrl(text: string, where: string, problem: string): SchedulerError {
  return new SchedulerError(
    "OPTION_INVALID",
    `${where}: ${JSON.stringify(withoutSecret(text).slice(0, 100))} ${problem}`,
    {
      fix: /^[\w.-]+:\d+$/.test(text)
        ? `did you mean "redis://${text}"?`
        : 'use "redis://user:password@host:6379/0", "rediss://…" for TLS',
    },
  );
}

/** Everything before the last @ may be a password, whatever else is wrong with the URL. */
function withoutSecret(text: string): string {
  const at = text.lastIndexOf("@");
  if (at !== -1) return `***${text.slice(at).split("?", 1)[0]}`;
  return /^(?:[a-z+]{1,20}:\/\/)?[\w.-]{0,60}(?::\d{1,5})?(?:\/\d*)?$/i.test(text) ? text : "***";
}

function checkOptions(given: object, where: string): object {
  const read = readOptions(given, where, KNOWN);
  for (const name of ADDRESSES) {
    // host: process.env.REDIS_HOST, not set: connecting to some default would be the worst answer.
    if (Object.hasOwn(given, name) && (read[name] ?? "") === "") {
      const what = read[name] === "" ? "empty" : String(read[name]);
      throw missing(where, `${name} is ${what}`, `give it a value, or leave ${name} out`);
    }
  }
  if (!ADDRESSES.some((name) => name in read)) {
    throw missing(where, "does not say where the server is", HOW);
  }
  if (read.path !== undefined && (read.host !== undefined || read.port !== undefined)) {
    throw conflict(where, "path is given together with host or port", "use one of them");
  }
  for (const name of ["host", "path", "name", "username", "password", "connectionName"]) {
    if (read[name] !== undefined && read[name] !== null && typeof read[name] !== "string") {
      throw invalid(where, `${name} must be a string, got ${kindOf(read[name])}`, {
        fix: "write it as a string",
      });
    }
  }
  if (typeof read.host === "string" && /[/@\s]/.test(read.host)) {
    throw invalid(where, "host is not the name of a host", {
      fix: 'give a URL as redisConfig itself: redisConfig: "redis://…"',
    });
  }
  wholeOption(read.port, { where, name: "port", fallback: 6379, min: 1, max: 65_535 });
  wholeOption(read.db, { where, name: "db", fallback: 0, min: 0, max: 65_535 });
  checkSentinels(read, where);
  if (read.cluster === undefined) return { ...read };
  return { ...read, cluster: checkCluster(read, where) };
}

const NODES = 'use cluster: [{ host: "10.0.0.1", port: 6379 }], with one node or more';

/** The nodes to ask for all others, all of the same form. */
function checkCluster(read: Record<string, unknown>, where: string): Seed[] {
  for (const name of ["host", "port", "path", "sentinels", "name"]) {
    if (read[name] === undefined) continue;
    throw conflict(where, `cluster is given together with ${name}`, `leave ${name} out`);
  }
  if (read.db !== undefined && read.db !== 0) {
    throw conflict(where, "cluster is given together with db", "a Cluster has database 0 only");
  }
  if (!Array.isArray(read.cluster) || read.cluster.length === 0) {
    const got = Array.isArray(read.cluster) ? "an empty list" : kindOf(read.cluster);
    throw invalid(where, `cluster must be a list of { host, port }, got ${got}`, { fix: NODES });
  }
  return read.cluster.map((node: unknown, index) => checkSeed(node, `${where}.cluster[${index}]`));
}

interface Seed {
  host: string;
  port: number;
}

function checkSeed(node: unknown, where: string): Seed {
  if (typeof node === "string") {
    // A password in it would be that of one node only.
    const [, host = "", port] = /^(?:redis:\/\/)?([^/@:\s]+)(?::(\d{1,5}))?\/?$/.exec(node) ?? [];
    if (host !== "") return checkSeed({ host, port: Number(port ?? 6379) }, where);
    throw invalid(where, "is no address of a node", {
      fix: "use { host, port }, and set username, password, tls beside cluster: [ … ]",
    });
  }
  if (!isPlainObject(node)) {
    throw invalid(where, `must be { host, port }, got ${kindOf(node)}`, { fix: NODES });
  }
  const { host, port } = readOptions(node, where, {
    names: ["host", "port"],
    hints: { password: "set it once, beside cluster: [ … ]", url: "use { host, port }" },
  });
  if (typeof host !== "string" || host === "") throw missing(where, "host is missing", NODES);
  return {
    host,
    port: wholeOption(port, { where, name: "port", fallback: 6379, min: 1, max: 65_535 }),
  };
}

function checkSentinels(read: Record<string, unknown>, where: string): void {
  if (read.sentinels === undefined) return;
  if (!Array.isArray(read.sentinels) || read.sentinels.length === 0) {
    throw invalid(where, "sentinels must be a list of { host, port }, with at least one", {
      fix: 'use sentinels: [{ host: "10.0.0.1", port: 26379 }], name: "mymaster"',
    });
  }
  if (read.name === undefined) {
    throw missing(where, "sentinels are given without a name", 'add name: "mymaster"');
  }
  for (const [index, sentinel] of read.sentinels.entries()) {
    const each = `${where}.sentinels[${index}]`;
    if (!isPlainObject(sentinel)) {
      throw invalid(each, `must be { host, port }, got ${kindOf(sentinel)}`, {
        fix: 'use { host: "10.0.0.1", port: 26379 }',
      });
    }
    const { host, port } = readOptions(sentinel, each, { names: ["host", "port"] });
    if (typeof host !== "string" || host === "") {
      throw missing(each, "host is missing", 'use { host: "10.0.0.1", port: 26379 }');
    }
    wholeOption(port, { where: each, name: "port", fallback: 26_379, min: 1, max: 65_535 });
  }
}
