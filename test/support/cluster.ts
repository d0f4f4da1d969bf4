/**
 * A real Redis Cluster on loopback for tests: primaries, replicas, and what can be done to them.
 * It is made with the server's own commands; no other program is needed.
 */
import { Redis } from "ioredis";
import { slotOfShard } from "../../src/store/redis/cluster/slots.js";
import type { Host } from "./islands.js";
import { freePort, LOOPBACK, type ServerKind, startServer, type TestServer } from "./servers.js";
import { until } from "./until.js";

const SLOTS = 16_384;

export interface ClusterOptions {
  kind?: ServerKind;
  primaries?: number;
  /** Of each primary. */
  replicas?: number;
  /**
   * After this long without an answer a node counts as failed. Default: 1 s; 60 s where no replica
   * could take over: one that a busy machine lets stand still takes the whole cluster down.
   */
  nodeTimeoutMs?: number;
  /** More of the environment of the node that is started as the k-th. */
  env?: (k: number) => Readonly<Record<string, string>>;
  /** Where the k-th node runs. */
  on?: (k: number) => Host;
}

export interface ClusterNode {
  server: TestServer;
  /** Keeps connecting, so that it can be asked again after a restart. */
  client: Redis;
  id: string;
}

interface Started extends ClusterNode {
  busPort: number;
  env: Readonly<Record<string, string>>;
  on: Host;
}

export interface TestCluster {
  nodes: readonly ClusterNode[];
  /** As `redisConfig` takes it. */
  config: { cluster: { host: string; port: number }[] };
  /** The node that owns the slot of a shard, by what most of the living nodes say. */
  ownerOf(shard: number): Promise<ClusterNode>;
  primaries(): Promise<ClusterNode[]>;
  replicasOf(primary: ClusterNode): Promise<ClusterNode[]>;
  /** Starts a node that was killed, on its port and its folder. */
  restart(node: ClusterNode): Promise<void>;
  /** Moves the slot of a shard to another primary, key by key; `left`: so many are to come. */
  migrate(
    shard: number,
    to: ClusterNode,
    each?: (left: number) => Promise<void>,
    keysAtOnce?: number,
  ): Promise<void>;
  /** Takes the slot of a shard from its owner; no node knows of another. Gives it back. */
  disown(shard: number): Promise<() => Promise<void>>;
  /** Every living node says that the cluster works, and every replica follows its primary. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

export async function startCluster(options: ClusterOptions = {}): Promise<TestCluster> {
  const { primaries = 3, replicas = 1 } = options;
  const starting = Array.from({ length: primaries * (1 + replicas) }, (_, k) =>
    startNode(options, k),
  );
  const started = await Promise.allSettled(starting);
  const nodes = started.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const cluster = new Cluster(nodes, options);
  try {
    const failed = started.find((one) => one.status === "rejected");
    if (failed !== undefined) throw failed.reason as Error;
    await form(nodes, primaries);
    await cluster.settled();
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

function argsOf(options: ClusterOptions, busPort: number): string[] {
  const usualMs = options.replicas === 0 ? 60_000 : 1_000;
  const timeout = String(options.nodeTimeoutMs ?? usualMs);
  return [
    ...["--cluster-enabled", "yes", "--cluster-port", String(busPort)],
    ...["--cluster-node-timeout", timeout, "--cluster-replica-validity-factor", "0"],
    ...["--repl-diskless-sync-delay", "0"],
  ];
}

async function startNode(options: ClusterOptions, k: number): Promise<Started> {
  // By default the bus is 10,000 above: too high for a port that the system gives out.
  const busPort = await freePort();
  const args = argsOf(options, busPort);
  const env = options.env?.(k) ?? {};
  const on = options.on?.(k) ?? LOOPBACK;
  const server = await startServer({ kind: options.kind ?? "redis-server", args, env, on });
  const { host, port } = server;
  const client = new Redis({ host, port, retryStrategy: () => 50, maxRetriesPerRequest: 0 });
  client.on("error", () => {});
  const id = (await client.call("CLUSTER", "MYID")) as string;
  return { server, client, id, busPort, env, on };
}

async function form(nodes: readonly Started[], primaries: number): Promise<void> {
  const [first] = nodes;
  await Promise.all(
    nodes.map((node, k) => node.client.call("CLUSTER", "SET-CONFIG-EPOCH", String(k + 1))),
  );
  await Promise.all(
    nodes.slice(0, primaries).map(({ client }, k) => {
      const from = Math.ceil((k * SLOTS) / primaries);
      const to = Math.ceil(((k + 1) * SLOTS) / primaries) - 1;
      return client.call("CLUSTER", "ADDSLOTSRANGE", String(from), String(to));
    }),
  );
  for (const { server, busPort } of nodes.slice(1)) {
    const { host, port } = server;
    await first?.client.call("CLUSTER", "MEET", host, String(port), String(busPort));
  }
  const allKnown = async (): Promise<boolean> => {
    const known = await Promise.all(nodes.map(({ client }) => client.call("CLUSTER", "NODES")));
    return known.every((text) => {
      const lines = String(text).trim().split("\n");
      return lines.length === nodes.length && !/handshake|noaddr/.test(String(text));
    });
  };
  await until("all nodes to know each other", allKnown, 20_000);
  await Promise.all(
    nodes.slice(primaries).map(({ client }, k) => {
      return client.call("CLUSTER", "REPLICATE", nodes[k % primaries]?.id ?? "");
    }),
  );
}

/** `host:port`, by what one node says. */
function ownerIn(ranges: unknown[], slot: number): string | null {
  for (const [from, to, owner] of ranges as [number, number, [string, number]][]) {
    if (from <= slot && slot <= to) return owner.slice(0, 2).join(":");
  }
  return null;
}

class Cluster implements TestCluster {
  readonly nodes: readonly Started[];
  readonly config: TestCluster["config"];
  readonly #options: ClusterOptions;

  constructor(nodes: readonly Started[], options: ClusterOptions) {
    this.nodes = nodes;
    this.#options = options;
    const addresses = nodes.map(({ server: { host, port } }) => ({ host, port }));
    this.config = { cluster: addresses };
  }

  async ownerOf(shard: number): Promise<ClusterNode> {
    const slot = slotOfShard(shard);
    const votes = new Map<ClusterNode, number>();
    for (const ranges of await this.#ask("SLOTS")) {
      const owner = ownerIn(ranges, slot);
      const node = this.nodes.find(({ server }) => `${server.host}:${server.port}` === owner);
      if (node !== undefined) votes.set(node, (votes.get(node) ?? 0) + 1);
    }
    const [best] = [...votes].sort((a, b) => b[1] - a[1]);
    if (best === undefined) throw new Error(`nobody owns the slot of shard ${shard}`);
    return best[0];
  }

  async primaries(): Promise<ClusterNode[]> {
    return await this.#withRole("master");
  }

  async replicasOf(primary: ClusterNode): Promise<ClusterNode[]> {
    const lines = (await primary.client.call("CLUSTER", "REPLICAS", primary.id)) as string[];
    return this.nodes.filter(({ id }) => lines.some((line) => line.startsWith(id)));
  }

  async restart(node: ClusterNode): Promise<void> {
    const started = node as Started;
    const { port, folder } = node.server;
    const { busPort, env, on } = started;
    const args = argsOf(this.#options, busPort);
    const { kind = "redis-server" } = this.#options;
    node.server = await startServer({ ...{ kind, port, folder, args }, env, on });
  }

  async migrate(
    shard: number,
    to: ClusterNode,
    each?: (left: number) => Promise<void>,
    keysAtOnce = 10,
  ): Promise<void> {
    const from = await this.ownerOf(shard);
    const slot = String(slotOfShard(shard));
    const { host, port } = to.server;
    await to.client.call("CLUSTER", "SETSLOT", slot, "IMPORTING", from.id);
    await from.client.call("CLUSTER", "SETSLOT", slot, "MIGRATING", to.id);
    for (;;) {
      const count = String(keysAtOnce);
      const reply = await from.client.call("CLUSTER", "GETKEYSINSLOT", slot, count);
      const keys = reply as string[];
      if (keys.length === 0) break;
      await from.client.call("MIGRATE", host, String(port), "", "0", "5000", "KEYS", ...keys);
      await each?.(Number(await from.client.call("CLUSTER", "COUNTKEYSINSLOT", slot)));
    }
    await this.#knowEpoch();
    // The receiving one first, so that there is no moment without an owner.
    await to.client.call("CLUSTER", "SETSLOT", slot, "NODE", to.id);
    await from.client.call("CLUSTER", "SETSLOT", slot, "NODE", to.id);
    const others = (await this.primaries()).filter((node) => node !== to && node !== from);
    for (const { client } of others) await client.call("CLUSTER", "SETSLOT", slot, "NODE", to.id);
    const agreed = async () => {
      const owners = (await this.#ask("SLOTS")).map((ranges) => ownerIn(ranges, Number(slot)));
      return owners.every((owner) => owner === `${host}:${port}`);
    };
    await until(`all nodes to agree on the owner of slot ${slot}`, agreed, 20_000);
  }

  /**
   * Whoever takes a slot takes the next epoch with it. If that is not above the one that the giver
   * got with another slot just before, an older message of the giver claims this one again.
   */
  async #knowEpoch(): Promise<void> {
    const isKnown = async () => {
      const infos = (await this.#ask("INFO")).map(String);
      const epochs = infos.map((text) => /cluster_current_epoch:(\d+)/.exec(text)?.[1]);
      return new Set(epochs).size === 1;
    };
    await until("all nodes to know the last epoch", isKnown, 20_000);
  }

  /**
   * A node that has forgotten the owner learns it again from whatever the owner says before it has
   * lost the slot, and then lets nobody have it who has an older epoch.
   */
  async disown(shard: number): Promise<() => Promise<void>> {
    const slot = slotOfShard(shard);
    const owner = await this.ownerOf(shard);
    const isOwned = (ranges: unknown[]) => ownerIn(ranges, slot) !== null;
    const isFree = async (): Promise<boolean> => {
      for (const { client } of [owner, ...this.nodes]) {
        // Refused where it is free already.
        await client.call("CLUSTER", "DELSLOTS", slot).catch(() => {});
      }
      return !(await this.#ask("SLOTS")).some(isOwned);
    };
    await until(`slot ${slot} to be nobody's`, isFree);
    return async () => {
      await owner.client.call("CLUSTER", "ADDSLOTS", slot);
      await this.settled();
    };
  }

  async settled(): Promise<void> {
    const works = async (): Promise<boolean> => {
      const infos = await this.#ask("INFO");
      const links = await this.#askEach((client) => client.info("replication"));
      const isOk = (text: unknown) => /cluster_state:ok/.test(String(text));
      const isWhole = infos.every(isOk) && !links.some((text) => /link_status:down/.test(text));
      if (!isWhole) return false;
      const replicas = links.filter((text) => text.includes("role:slave")).length;
      const known = await Promise.all((await this.primaries()).map((one) => this.replicasOf(one)));
      return known.flat().length === replicas;
    };
    await until("the cluster to work", works, 20_000).catch(async (error: Error) => {
      const views = [...(await this.#ask("INFO")), ...(await this.#ask("NODES"))];
      throw new Error(`${error.message}; its nodes say\n${views.join("\n")}`);
    });
  }

  async stop(): Promise<void> {
    for (const { client } of this.nodes) client.disconnect();
    await Promise.all(this.nodes.map(({ server }) => server.stop()));
  }

  async #withRole(role: string): Promise<ClusterNode[]> {
    const found: ClusterNode[] = [];
    for (const node of this.nodes) {
      const info = await node.client.info("replication").catch(() => "");
      if (info.includes(`role:${role}`)) found.push(node);
    }
    return found;
  }

  #ask(what: string): Promise<unknown[][]> {
    return this.#askEach((client) => client.call("CLUSTER", what) as Promise<unknown[]>);
  }

  async #askEach<T>(ask: (client: Redis) => Promise<T>): Promise<T[]> {
    const answers = await Promise.allSettled(this.nodes.map(({ client }) => ask(client)));
    return answers.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  }
}
