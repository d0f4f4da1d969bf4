/** A primary and its replica behind one address: what schedulers see when a failover comes. */
import { Redis } from "ioredis";
import { type FaultProxy, startFaultProxy } from "../../support/fault-proxy.js";
import { startServer, type TestServer } from "../../support/servers.js";
import { until } from "../../support/until.js";
import { type Fleet, withFleet } from "./fleet.js";
import { lasting } from "./lasting.js";

/** Longer than the schedules of tests rest, so that some are due before anybody is back. */
const OUTAGE_MS = 1_500;

export class Pair {
  /** All its schedulers use the one address. */
  readonly fleet: Fleet;
  readonly #proxy: FaultProxy;
  readonly #replica: TestServer;
  readonly #clients: readonly [primary: Redis, replica: Redis];

  private constructor(fleet: Fleet, proxy: FaultProxy, replica: TestServer) {
    const { server } = fleet.world;
    this.fleet = fleet;
    this.#proxy = proxy;
    this.#replica = replica;
    this.#clients = [clientOf(server), clientOf(replica)];
  }

  /** Makes the world's server a primary. */
  static async open(fleet: Fleet, proxy: FaultProxy): Promise<Pair> {
    const { server } = fleet.world;
    const args = ["--replicaof", server.host, String(server.port)];
    const pair = new Pair(fleet, proxy, await startServer({ args }));
    proxy.aim(server);
    const [primary] = pair.#clients;
    // Else it waits some seconds for other replicas that may want the same.
    await primary.config("SET", "repl-diskless-sync-delay", "0");
    await until("the replica to have all", () => pair.isReplicated(), 15_000);
    return pair;
  }

  /** Whether the replica has all that the primary has acknowledged so far. */
  async isReplicated(): Promise<boolean> {
    const [primary, replica] = this.#clients;
    const of = fieldsOf(await replica.info("replication"));
    const wanted = fieldsOf(await primary.info("replication")).get("master_repl_offset");
    return of.get("master_link_status") === "up" && of.get("slave_repl_offset") === wanted;
  }

  /** From now on the replica hears of nothing. */
  async part(): Promise<void> {
    const [, replica] = this.#clients;
    await replica.call("REPLICAOF", "NO", "ONE");
  }

  /**
   * Every connection breaks at once, the primary is killed; after a while in which nobody is there
   * the address leads to the replica.
   */
  async failOver(): Promise<void> {
    this.#proxy.set("refuse");
    this.#proxy.cut();
    await this.fleet.world.server.crash();
    await lasting(OUTAGE_MS);
    this.#proxy.aim(this.#replica);
    this.#proxy.set("none");
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.disconnect();
    await this.#replica.stop();
  }
}

function clientOf({ host, port }: TestServer): Redis {
  const client = new Redis({ host, port, retryStrategy: () => null });
  client.on("error", () => {});
  return client;
}

function fieldsOf(info: string): Map<string, string> {
  return new Map(
    info.split("\r\n").map((line) => {
      const [name = "", value = ""] = line.split(":");
      return [name, value];
    }),
  );
}

/** Runs a scene on a fresh primary with a replica; afterwards nothing is left of them. */
export async function withPair(scene: (pair: Pair) => Promise<void>): Promise<void> {
  // Who listens is known before where it leads to: nobody connects until then.
  const proxy = await startFaultProxy({ host: "127.0.0.1", port: 0 });
  const redisConfig = { host: "127.0.0.1", port: proxy.port };
  let pair: Pair | null = null;
  try {
    await withFleet({ kind: "redis", options: { redisConfig } }, async (fleet) => {
      pair = await Pair.open(fleet, proxy);
      await scene(pair);
    });
  } finally {
    await (pair as Pair | null)?.close();
    await proxy.close();
  }
}
