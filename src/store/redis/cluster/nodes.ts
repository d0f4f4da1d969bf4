/**
 * The nodes of a Redis Cluster: who owns which slot, and one connection to each node in use.
 *  1. asks a node that answers (CLUSTER SLOTS), the given ones when none else does
 *  2. after a loss or a refusal asks again, until every shard has an owner that answers
 *  3. closes connections to nodes that own nothing of ours any more
 */
import type { Chance } from "../../../chance.js";
import { type Clock, sleep } from "../../../clock.js";
import { SchedulerError } from "../../../core/errors.js";
import type { ConnectionChange } from "../../contract.js";
import { bareError } from "../bare-error.js";
import { type Client, type ClusterTarget, connect } from "../client.js";
import { Connection } from "../connection.js";
import { loadScripts } from "../load-scripts.js";
import { checkServer } from "../server.js";
import type { Scripts } from "../shard.js";
import { decodeSlots, type NodeAddress, nameOf, type SlotRange } from "./slots.js";

/** A node may take this long to say who owns what. */
const ASK_MS = 1_000;
/** Between two questions of that kind. */
const PAUSE_MS = 100;

export interface NodesParts {
  target: () => Promise<ClusterTarget>;
  scripts: () => Promise<Scripts>;
  clock: Clock;
  chance: Chance;
  /** A connection in use was lost. */
  onLost: (error: Error) => void;
  /** The owners of slots may be others now. */
  onOwners: () => void;
}

/** One node with its connection. */
export class Node {
  readonly name: string;
  readonly address: NodeAddress;
  readonly connection: Connection;
  /** For further connections. */
  readonly makeClient: () => Promise<() => Client>;
  /** Rises with each new connection. */
  life = 0;
  version: string | null = null;
  /** Another one after each start of the node; null: the host hides it. */
  runId: string | null = null;

  constructor(address: NodeAddress, parts: NodesParts) {
    this.name = nameOf(address);
    this.address = address;
    this.makeClient = async () => (await parts.target()).clientOf(address);
    this.connection = new Connection({
      makeClient: this.makeClient,
      prepare: (client) => this.#prepare(client, parts),
      clock: parts.clock,
      chance: parts.chance,
      onChange: (change: ConnectionChange) => {
        if (change.kind === "lost") parts.onLost(change.error);
      },
    });
  }

  async #prepare(client: Client, parts: NodesParts): Promise<{ emptied: boolean }> {
    const command = (name: string, ...args: string[]) => client.call(name, ...args);
    const { version, runId } = await checkServer(command);
    await loadScripts(command, await parts.scripts());
    this.version = version;
    this.runId = runId;
    this.life += 1;
    return { emptied: false };
  }
}

export class Nodes {
  readonly #parts: NodesParts;
  readonly #nodes = new Map<string, Node>();
  #ranges: SlotRange[] = [];
  /** Told by refusals, which know better than the last answer to CLUSTER SLOTS. */
  readonly #moved = new Map<number, NodeAddress>();
  #refreshing: Promise<void> | null = null;
  #askedAt = Number.NEGATIVE_INFINITY;
  #lastError: Error | null = null;
  /** Rises with close(). */
  #life = 0;

  constructor(parts: NodesParts) {
    this.#parts = parts;
  }

  get lastError(): Error | null {
    return this.#lastError;
  }

  /** null: nobody is known to own it. */
  ownerOf(slot: number): Node | null {
    const owner = this.addressOf(slot);
    return owner === null ? null : this.at(owner);
  }

  /** The owner's. */
  addressOf(slot: number): NodeAddress | null {
    const moved = this.#moved.get(slot);
    const range = this.#ranges.find(({ from, to }) => from <= slot && slot <= to);
    return moved ?? range?.owner ?? null;
  }

  at(address: NodeAddress): Node {
    const name = nameOf(address);
    let node = this.#nodes.get(name);
    if (node === undefined) {
      node = new Node(address, this.#parts);
      this.#nodes.set(name, node);
    }
    return node;
  }

  moved(slot: number, to: NodeAddress): void {
    this.#moved.set(slot, to);
    this.#parts.onOwners();
  }

  /** Asks who owns what; never rejects: what was known stays known. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#ask().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  /** Only `used` ones are kept. */
  keepOnly(used: ReadonlySet<Node>): void {
    for (const [name, node] of this.#nodes) {
      if (used.has(node)) continue;
      this.#nodes.delete(name);
      node.connection.close();
    }
  }

  connected(): Node[] {
    return [...this.#nodes.values()].filter((node) => node.connection.connected);
  }

  close(): void {
    this.#life += 1;
    for (const node of this.#nodes.values()) node.connection.close();
    this.#nodes.clear();
    this.#ranges = [];
    this.#moved.clear();
  }

  async #ask(): Promise<void> {
    const { clock } = this.#parts;
    const life = this.#life;
    const sinceMs = clock.monotonic() - this.#askedAt;
    if (sinceMs < PAUSE_MS) await sleep(clock, PAUSE_MS - sinceMs);
    const ranges = (await this.#askConnected()) ?? (await this.#askAnybody());
    this.#askedAt = clock.monotonic();
    if (ranges === null || life !== this.#life) return;
    this.#ranges = ranges;
    this.#moved.clear();
    this.#lastError = null;
    this.#parts.onOwners();
  }

  async #askConnected(): Promise<SlotRange[] | null> {
    for (const node of this.connected()) {
      const ranges = await this.#within(
        node.connection.command("CLUSTER", "SLOTS").then((reply) => this.#decode(reply, node)),
      );
      if (ranges !== null) return ranges;
    }
    return null;
  }

  /** All at once: some of them may be machines that do not even refuse. */
  async #askAnybody(): Promise<SlotRange[] | null> {
    const target = await this.#parts.target();
    const known = new Map<string, NodeAddress>();
    for (const { owner } of this.#ranges) known.set(nameOf(owner), owner);
    for (const seed of target.seeds) known.set(nameOf(seed), seed);
    const answers = [...known.values()].map(async (address) => {
      const client = target.clientOf(address)();
      const timer = this.#parts.clock.after(ASK_MS, () => client.disconnect());
      try {
        await connect(client);
        return this.#decode(await client.call("CLUSTER", "SLOTS"), { address });
      } finally {
        timer.cancel();
        client.disconnect();
      }
    });
    try {
      return await Promise.any(answers);
    } catch (error) {
      const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : [error];
      this.#lastError = bareError(
        first instanceof Error ? first : new Error(String(first)),
      ) as Error;
      return null;
    }
  }

  /** Rejects when it is no answer. */
  #decode(reply: unknown, asked: { address: NodeAddress }): SlotRange[] {
    const ranges = decodeSlots(reply, asked.address);
    if (ranges.length > 0) return ranges;
    const message = `the node at ${nameOf(asked.address)} knows of no node that has slots`;
    throw new SchedulerError("STORE_UNREACHABLE", message, {
      fix: "create the cluster (redis-cli --cluster create), or wait until it has formed",
    });
  }

  async #within<T>(work: Promise<T>): Promise<T | null> {
    const tooLong = sleep(this.#parts.clock, ASK_MS).then(() => null);
    const answer = work.catch((error: unknown) => {
      this.#lastError = bareError(
        error instanceof Error ? error : new Error(String(error)),
      ) as Error;
      return null;
    });
    return await Promise.race([answer, tooLong]);
  }
}
