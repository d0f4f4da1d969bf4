/** A primary, its replicas and three Sentinels on loopback, for tests of a failover. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { findServer, freePort, startServer, type TestServer } from "./servers.js";
import { until } from "./until.js";

const NAME = "mymaster";
const HOST = "127.0.0.1";

export interface Watched {
  servers: readonly TestServer[];
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
  port: number;
  client: Redis;
  stop(): Promise<void>;
}

export async function startWatched(replicas = 2): Promise<Watched> {
  const primary = await startServer({ args: ["--repl-diskless-sync-delay", "0"] });
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
      const args = ["--replicaof", `${HOST} ${primary.port}`, "--repl-diskless-sync-delay", "0"];
      servers.push(await startServer({ args }));
    }
    for (const server of servers) clients.set(server, lasting(server.port));
    for (let n = 0; n < 3; n += 1) sentinels.push(await startSentinel(primary.port));
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
    config: { sentinels: sentinels.map(({ port }) => ({ host: HOST, port })), name: NAME },
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

function lasting(port: number): Redis {
  const client = new Redis({ host: HOST, port, retryStrategy: () => 50, commandTimeout: 1_000 });
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

async function startSentinel(primaryPort: number): Promise<Sentinel> {
  const program = findServer("redis-server");
  if (program === null) throw new Error("redis-server is not on PATH; `npm test` installs it");
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "schedule-mq-sentinel-"));
  const file = join(folder, "sentinel.conf");
  const own = [`port ${port}`, `bind ${HOST}`, `dir ${folder}`, "sentinel resolve-hostnames no"];
  const watch = [
    `sentinel monitor ${NAME} ${HOST} ${primaryPort} 2`,
    `sentinel down-after-milliseconds ${NAME} 1000`,
    `sentinel failover-timeout ${NAME} 5000`,
  ];
  writeFileSync(file, [...own, ...watch, ""].join("\n"));
  const child = spawn(program, [file, "--sentinel"], { stdio: "ignore" });
  // The last resort, when this process ends in a way that nobody foresaw.
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  const client = lasting(port);
  await until("the Sentinel to answer", () => client.ping().catch(() => null), 10_000);
  return {
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
