/**
 * The Redis client library, wrapped: the only file that loads ioredis. It makes clients that do
 * one connection each: they never reconnect, never queue and never resend. All of that is ours,
 * because a command that is sent again by itself is a job that runs twice.
 */
import { createRequire } from "node:module";
import type { Cluster, Command as IoCommand, Redis, RedisOptions } from "ioredis";
import { SchedulerError } from "../../core/errors.js";
import { bareError } from "./bare-error.js";
import { hearSocketErrors } from "./socket-errors.js";

/** What the user gave as `redisConfig`. */
export type RedisTarget = string | Record<string, unknown> | object;

/** Reply mapping is for typed commands; scripts answer with plain arrays. */
type ClientOptions = Omit<RedisOptions, "replyMapping">;

/** The few things that the store does with a connection. */
export type Client = Redis;

/** Sends one command and gives its reply. */
export type Command = (name: string, ...args: string[]) => Promise<unknown>;

const CONNECT_TIMEOUT_MS = 4_000;
/**
 * A Sentinel that says nothing for this long is passed over, one after the other, all within what
 * connecting may take: the machine that has died is often the one that had the primary, too.
 */
const SENTINEL_MS = 700;

const OURS = {
  lazyConnect: true,
  retryStrategy: () => null,
  reconnectOnError: null,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  enableReadyCheck: false,
  enableAutoPipelining: false,
  maxRetriesPerRequest: null,
  // What is closed is not needed any more: no reason to wait for a server that is silent.
  disconnectTimeout: 200,
  keyPrefix: "",
  protocol: 2,
} satisfies RedisOptions;

/**
 * By `require` where it finds it: importing a CommonJS package reads all of it once more, only to
 * guess its names, which doubles its 30 ms of CPU. Where the program was bundled, `import` is what
 * the bundler has seen.
 */
async function loadClient(): Promise<Pick<typeof import("ioredis"), "Redis" | "Command">> {
  try {
    return createRequire(import.meta.url)("ioredis");
  } catch {
    return await import("ioredis");
  }
}

/** Prepares what makes one client after the other, all alike. */
export async function clientFactory(target: RedisTarget): Promise<() => Client> {
  const ioredis = await loadClient();
  Encoded ??= encodedCommand(ioredis.Command);
  if (typeof target === "string") return () => new ioredis.Redis(target, limited({}));
  if (isClient(target)) {
    const client = target as Client;
    return () => client.duplicate(limited(client.options));
  }
  const options = target as ClientOptions;
  return () => new ioredis.Redis({ ...options, ...limited(options) });
}

type EncodedCommand = new (name: string, encoded: string | Buffer) => IoCommand;

let Encoded: EncodedCommand | null = null;

/** A command that was encoded by us: see wire.ts. */
function encodedCommand(Command: typeof IoCommand): EncodedCommand {
  return class extends Command {
    readonly #encoded: string | Buffer;

    constructor(name: string, encoded: string | Buffer) {
      super(name, [], { replyEncoding: "utf8" });
      this.#encoded = encoded;
    }

    override toWritable(): string | Buffer {
      return this.#encoded;
    }
  };
}

/** Sends a whole command as it is; rejects with the client library's own error. */
export function sendEncoded(
  client: Client,
  name: string,
  encoded: string | Buffer,
): Promise<unknown> {
  if (Encoded === null) throw new Error("no client has been made yet");
  return client.sendCommand(new Encoded(name, encoded)) as Promise<unknown>;
}

/** How the nodes of a Redis Cluster are reached. */
export interface ClusterTarget {
  /** Where to ask for the others. */
  seeds: readonly { host: string; port: number }[];
  /** What makes one client after the other for that node, all alike. */
  clientOf: (address: { host: string; port: number }) => () => Client;
}

/** The checked form of `redisConfig` for a Cluster, or an ioredis Cluster. */
export function isClusterTarget(target: RedisTarget): target is object {
  if (typeof target === "string") return false;
  return Reflect.get(target, "isCluster") === true || Array.isArray(Reflect.get(target, "cluster"));
}

export async function clusterTarget(target: object): Promise<ClusterTarget> {
  const ioredis = await loadClient();
  Encoded ??= encodedCommand(ioredis.Command);
  const { seeds, options } = settingsOf(target);
  const natMap = options.natMap;
  return {
    seeds,
    clientOf: (address) => {
      const name = `${address.host}:${address.port}`;
      const mapped = typeof natMap === "function" ? natMap(name) : natMap?.[name];
      const { host, port } = mapped ?? address;
      return () => new ioredis.Redis({ ...options, ...limited(options), host, port });
    },
  };
}

function settingsOf(target: object): { seeds: ClusterTarget["seeds"]; options: ClientOptions } {
  if (Reflect.get(target, "isCluster") !== true) {
    const { cluster, ...options } = target as ClientOptions & { cluster: ClusterTarget["seeds"] };
    return { seeds: cluster, options };
  }
  const client = target as Cluster;
  const { redisOptions = {}, natMap } = client.options;
  const known = client.nodes().map(({ options: { host, port } }) => ({ host, port }));
  const given = [...(Reflect.get(client, "startupNodes") as unknown[]), ...known];
  const seeds = given.flatMap((node) => seedOf(node) ?? []);
  const options = natMap === undefined ? redisOptions : { ...redisOptions, natMap };
  return { seeds, options: options as ClientOptions };
}

/** A node as ioredis takes it: a port, a URL or options. */
function seedOf(node: unknown): { host: string; port: number } | null {
  if (typeof node === "number") return { host: "127.0.0.1", port: node };
  if (typeof node === "object" && node !== null) {
    const { host, port } = node as { host?: string; port?: number | string };
    return { host: host ?? "127.0.0.1", port: Number(port ?? 6379) };
  }
  const [, host, port] =
    /^(?:rediss?:\/\/)?(?:[^@/]*@)?\[?(.*?)\]?(?::(\d+))?(?:\/.*)?$/.exec(String(node)) ?? [];
  return host ? { host, port: Number(port ?? 6379) } : null;
}

function limited(options: RedisOptions): ClientOptions {
  const given = options.connectTimeout ?? CONNECT_TIMEOUT_MS;
  return {
    ...OURS,
    // A primary that is replaced while it lives goes on taking writes for seconds, only to drop
    // them: the Sentinels say at once that it is none any more.
    failoverDetector: options.sentinels != null,
    sentinelCommandTimeout: options.sentinelCommandTimeout ?? SENTINEL_MS,
    connectTimeout: Math.min(given, CONNECT_TIMEOUT_MS),
    connectionName: options.connectionName ?? "schedule-mq",
  };
}

function isClient(target: object): boolean {
  return "duplicate" in target && typeof target.duplicate === "function";
}

/** Where a client goes, for people; never with a password. */
export function addressOf(client: Client): string {
  const { host, port, path, db, sentinels, name } = client.options;
  const suffix = db ? ` db ${db}` : "";
  if (sentinels) return `Sentinel master ${name ?? "?"}${suffix}`;
  return path ? `${path}${suffix}` : `${host ?? "127.0.0.1"}:${port ?? 6379}${suffix}`;
}

/**
 * Opens the connection; rejects with what the socket said rather than with "Connection is closed".
 */
export async function connect(client: Client): Promise<void> {
  let said: Error | undefined;
  client.on("error", (error: Error) => {
    said = bareError(error) as Error;
  });
  client.once("failoverSubscribed", () => letExit(client));
  hearSocketErrors(client);
  try {
    await client.connect();
    // A refused password may be no more than an event; the connection would go on as nobody.
    if (said?.name === "ReplyError") throw said;
  } catch (error) {
    client.disconnect();
    if (said?.name === "ReplyError") throw said;
    throw unreachable(client, said ?? bareError(error));
  }
}

/** Connections that listen to Sentinels must not keep a process alive that has nothing to do. */
function letExit(client: Client): void {
  const detector: unknown = Reflect.get(Reflect.get(client, "connector") ?? {}, "failoverDetector");
  const { sentinels = [] } = (detector ?? {}) as { sentinels?: { client: Client }[] };
  for (const sentinel of sentinels) sentinel.client.stream?.unref?.();
}

export function unreachable(client: Client, cause: unknown): SchedulerError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SchedulerError(
    "STORE_UNREACHABLE",
    `no connection to Redis at ${addressOf(client)} (${reason})`,
    {
      fix: "start the server, or correct redisConfig; a running scheduler keeps trying by itself",
      cause,
    },
  );
}
