/** A primary, its replicas and three Sentinels on loopback, for tests of a failover. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import type { Host } from "./islands.js";
import { findServer, freePort, LOOPBACK, startServer, type TestServer } from "./servers.js";
import { until } from "./until.js";

const NAME = "mymaster";

export interface Watched {
  servers: readonly TestServer[];
  /** Of the Sentinels, for signals, in the order in which `config` names them. */
  sentinelPids: readonly number[];
  /** As `redisConfig` takes it. */
  config: { sentinels: { host: string; port: number }[]; name: string };
  /** The port of the primary, as the Sentinels say. */
  primaryPort(): Promise<number>;
  /** Resolves when the Sentinels name another server than that one, and it takes writes. */
  movedFrom(port: number): Promise<TestServer>;
  clientOf(server: TestServer): Redis;
  /** Has a replica promoted while the primary lives. */
  failover(): Promise<void>;
  stop(): Promise<void>;
}

interface Sentinel {
  pid: number;
  host: string;
  port: number;
  client: Redis;
  stop(): Promise<void>;
}

export interface Places {
  /** The first is the primary; default: all on loopback. */
  server?: (k: number) => Host;
  /** The first is the one that is asked. */
  sentinel?: (k: number) => Host;
}

export async function startWatched(replicas = 2, places: Places = {}): Promise<Watched> {
  const { server: placeOf = () => LOOPBACK, sentinel: sentinelAt = () => LOOPBACK } = places;
  const primary = await startServer({ args: ["--repl-diskless-sync-delay", "0"], on: placeOf(0) });
  const servers = [primary];
  const sentinels: Sentinel[] = [];
  const clients = new Map<TestServer, Redis>();
  const stop = async (): Promise<void> => {
    for (const client of clients.values()) client.disconnect();
    await Promise.all(sentinels.map((one) => one.stop()));
    await Promise.all(servers.map((one) => one.stop()));
  };
  try {
    for (let n = 0; n < replicas; n += 1) {
      const of = `${primary.host} ${primary.port}`;
      const args = ["--replicaof", of, "--repl-diskless-sync-delay", "0"];
      servers.push(await startServer({ args, on: placeOf(n + 1) }));
    }
    for (const server of servers) clients.set(server, lasting(server));
    for (let n = 0; n < 3; n += 1) sentinels.push(await startSentinel(primary, sentinelAt(n)));
    await until("the Sentinels to know all", () => allKnown(sentinels, replicas), 20_000);
  } catch (error) {
    await stop();
    throw error;
  }
  const primaryPort = async (): Promise<number> => {
    const asked = sentinels[0]?.client.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME);
    return Number(((await asked) as string[])[1]);
  };
  const clientOf = (server: TestServer): Redis => clients.get(server) as Redis;
  return {
    servers,
    sentinelPids: sentinels.map(({ pid }) => pid),
    config: { sentinels: sentinels.map(({ host, port }) => ({ host, port })), name: NAME },
    primaryPort,
    clientOf,
    failover: async () => void (await sentinels[0]?.client.call("SENTINEL", "FAILOVER", NAME)),
    stop,
    async movedFrom(port) {
      return await until(
        "another primary",
        async () => {
          const now = await primaryPort();
          const server = servers.find((one) => one.port === now);
          if (now === port || server === undefined) return null;
          const info = await clientOf(server).info("replication");
          return info.includes("role:master") ? server : null;
        },
        20_000,
      );
    },
  };
}

function lasting({ host, port }: { host: string; port: number }): Redis {
  const client = new Redis({ host, port, retryStrategy: () => 50, commandTimeout: 1_000 });
  client.on("error", () => {});
  return client;
}

async function allKnown(sentinels: readonly Sentinel[], replicas: number): Promise<boolean> {
  const told = await Promise.all(
    sentinels.map(({ client }) => client.call("SENTINEL", "MASTER", NAME) as Promise<string[]>),
  );
  return told.every((fields) => {
    const of = (name: string) => Number(fields[fields.indexOf(name) + 1]);
    return of("num-slaves") === replicas && of("num-other-sentinels") === 2;
  });
}

async function startSentinel(primary: TestServer, on: Host): Promise<Sentinel> {
  const program = findServer("redis-server");
  if (program === null) throw new Error("redis-server is not on PATH; `npm test` installs it");
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "schedule-mq-sentinel-"));
  const file = join(folder, "sentinel.conf");
  const host = on.address;
  const own = [`port ${port}`, `bind ${host}`, `dir ${folder}`, "sentinel resolve-hostnames no"];
  if (host !== LOOPBACK.address) own.push("protected-mode no");
  const watch = [
    `sentinel monitor ${NAME} ${primary.host} ${primary.port} 2`,
    `sentinel down-after-milliseconds ${NAME} 1000`,
    `sentinel failover-timeout ${NAME} 5000`,
  ];
  writeFileSync(file, [...own, ...watch, ""].join("\n"));
  const [first = program, ...words] = [...on.within, program, file, "--sentinel"];
  const child = spawn(first, words, { stdio: "ignore" });
  // The last resort, when this process ends in a way that nobody foresaw.
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  const client = lasting({ host, port });
  await until("the Sentinel to answer", () => client.ping().catch(() => null), 10_000);
  return {
    pid: child.pid ?? 0,
    host,
    port,
    client,
    async stop() {
      client.disconnect();
      process.off("exit", kill);
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGKILL");
        await once(child, "exit");
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
