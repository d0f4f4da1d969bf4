/**
 * What one scheduler has open on a Redis Cluster: nodes, a link for each shard, the shards.
 *  1. opens each shard on each connection that it comes to: its layout, and whether it lost data
 *  2. a shard whose node has lost its data, or is another one, fires nothing until all have told it
 *     what is decided
 *  3. tells once that something is lost, and once that everything is there again
 */
import type { Durability } from "../../../core/durability.js";
import { type Client, type ClusterTarget, clusterTarget, type RedisTarget } from "../client.js";
import type { Patient } from "../doctor.js";
import type { Layout } from "../layout.js";
import { loadScripts } from "../load-scripts.js";
import type { ServerFacts } from "../server.js";
import type { Hearing, Home, Owner, SessionParts, Soon } from "../session.js";
import { type Scripts, Shard } from "../shard.js";
import { allThere, failureOfAny, lossOf, shardsAway } from "./away.js";
import { patientsOf } from "./doctor.js";
import { factsOf } from "./facts.js";
import { ShardLink } from "./link.js";
import { type Node, Nodes } from "./nodes.js";
import { ShardOpener } from "./open-shard.js";
import { shardedWakes } from "./scripts.js";
import { slotOfShard } from "./slots.js";
import { Wakers } from "./wakers.js";

/** Of a new data set on a Cluster. More nodes than these cannot share its work. */
const SHARDS_WANTED = 16;
const OPEN_MS = 8_000;
/** So long a start waits for the others, once the first shard is there. */
const OTHERS_MS = 3_000;

export class ClusterSession implements Home {
  readonly #parts: SessionParts;
  readonly #nodes: Nodes;
  readonly #first: ShardLink;
  readonly #wakers = new Set<Wakers>();
  #target: Promise<ClusterTarget> | null = null;
  #scripts: Promise<Scripts> | null = null;
  #links: ShardLink[] = [];
  #shards: Shard[] = [];
  #layout: Layout | null = null;
  readonly #opener: ShardOpener;
  #mending = false;
  #verifying = false;
  /** What everybody is told once all shards have their owners. */
  #isNews = false;
  #isLost = false;
  #emptied = false;
  /** A shard was opened that had been away, or was elsewhere. */
  #reopened = false;
  #life = 0;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    const { clock, chance } = parts;
    this.#nodes = new Nodes({
      target: () => this.#targetOf(parts.redis),
      scripts: () => this.#allScripts(),
      clock,
      chance,
      onLost: (error) => this.#lost(error),
      onOwners: () => this.#ownersChanged(),
    });
    this.#opener = new ShardOpener({
      ...parts,
      scripts: () => this.#allScripts(),
      ownerOf: (shard) => this.#nodes.ownerOf(slotOfShard(shard)),
    });
    this.#first = this.#linkTo(0);
    this.#links = [this.#first];
  }

  get runId(): null {
    return null;
  }

  readonly makeClient = async (): Promise<() => Client> => {
    const { clientOf, seeds } = await this.#targetOf(this.#parts.redis);
    const address = this.#first.node?.address ?? seeds[0];
    if (address === undefined) throw this.#first.unreachable();
    return clientOf(address);
  };

  async patients(): Promise<readonly Patient[]> {
    const { clientOf } = await this.#targetOf(this.#parts.redis);
    await this.#nodes.refresh();
    const shards = this.#layout?.shards ?? this.#parts.shards ?? SHARDS_WANTED;
    const patients = patientsOf(this.#nodes, { shards, clientOf });
    if (patients.every(({ node }) => node === "")) throw this.#first.unreachable();
    return patients;
  }

  get now(): number {
    return this.#layout?.now ?? 0;
  }

  get shardCount(): number {
    return this.#shards.length || 1;
  }

  get address(): string {
    const names = this.#owners().map((node) => node.name);
    return `a Redis Cluster of ${names.length} primaries (${names.slice(0, 3).join(", ")})`;
  }

  get connected(): boolean {
    return this.#links.every((link) => link.node !== null);
  }

  owners(): (Owner | null)[] {
    return this.#links.map(({ node }) => {
      // As it is now: its next run is another one.
      return node && { name: node.name, runId: node.runId, makeClient: node.makeClient };
    });
  }

  get away(): string[] {
    return shardsAway(this.#links);
  }

  get lastError(): Error | null {
    return this.#links.find((link) => link.node === null)?.unreachable() ?? null;
  }

  /** Of the node that is silent for longest. */
  sinceAnswerMs(): number | null {
    const times = this.#owners().map((node) => node.connection.sinceAnswerMs());
    const known = times.filter((ms) => ms !== null);
    return known.length === 0 ? null : Math.max(...known);
  }

  /** With the first shard, which has the layout, and those that are there: the others join. */
  async connectNow(): Promise<void> {
    await this.#openFirst(OPEN_MS);
    const failure = await failureOfAny(this.#links.map((link) => link.whenReady(OTHERS_MS)));
    for (const wakers of this.#wakers) wakers.arrange();
    if (failure !== null) this.#lost(failure);
  }

  shards(waitMs: number): Soon<readonly Shard[]> {
    if (this.#shards.length > 0) return this.#shards;
    return this.#openFirst(waitMs).then(() => this.#shards);
  }

  async surely(index: number): Promise<void> {
    const link = this.#links[index] ?? this.#first;
    const told = this.#opener.surely(index, await link.whenReady(OTHERS_MS));
    await told.catch((error) => Promise.reject(link.translate(error, "respread")));
  }

  facts(durability: Durability): Promise<ServerFacts> {
    return factsOf(this.#owners(), durability);
  }

  /** A shard does not know this scheduler: has it lost its data, or only the session? */
  async verify(): Promise<void> {
    if (this.#verifying) return;
    this.#verifying = true;
    for (const [index, link] of this.#links.entries()) {
      const { node } = link;
      if (node !== null) await this.#openShard(index, node).catch(() => {});
    }
    this.#verifying = false;
    for (const shard of this.#shards) {
      shard.works.reopen();
      shard.pushes.reopen();
    }
    await this.#mend();
  }

  waker(parts: Parameters<Home["waker"]>[0]): Hearing {
    const wakers = new Wakers({
      ...this.#parts,
      ...parts,
      channels: () =>
        this.#shards.map(({ keys }, index) => ({
          channel: keys.channel,
          node: this.#links[index]?.node ?? null,
          link: this.#links[index] ?? this.#first,
        })),
      onMoved: () => void this.#nodes.refresh(),
    });
    this.#wakers.add(wakers);
    return wakers;
  }

  close(): void {
    this.#life += 1;
    [this.#isLost, this.#isNews] = [false, false];
    for (const shard of this.#shards) {
      shard.pushes.close();
      shard.works.close();
    }
    for (const link of this.#links) link.close();
    this.#nodes.close();
  }

  #linkTo(index: number): ShardLink {
    return new ShardLink({
      ...{ shard: index, nodes: this.#nodes, clock: this.#parts.clock },
      open: (node) => this.#openShard(index, node),
    });
  }

  #targetOf(redis: RedisTarget): Promise<ClusterTarget> {
    this.#target ??= clusterTarget(redis as object);
    return this.#target;
  }

  #allScripts(): Promise<Scripts> {
    this.#scripts ??= this.#parts.scripts().then(shardedWakes);
    return this.#scripts;
  }

  async #openFirst(waitMs: number): Promise<void> {
    const { prefix, identity, clock, knownShards } = this.#parts;
    if (knownShards === undefined) await this.#first.whenReady(waitMs);
    const scripts = await this.#allScripts();
    const count = this.#layout?.shards ?? knownShards ?? 0;
    if (this.#shards.length > 0) return;
    for (let index = 0; index < count; index += 1) {
      const link = index === 0 ? this.#first : this.#linkTo(index);
      this.#links[index] = link;
      const shard = { index, prefix, identity, clock, scripts, connection: link };
      this.#shards.push(
        new Shard({
          ...shard,
          loadScripts: async () => {
            const node = await link.whenReady(OPEN_MS);
            await loadScripts((name, ...args) => node.connection.command(name, ...args), scripts);
          },
          onForgotten: () => void this.verify(),
        }),
      );
    }
  }

  /** On a connection that the shard was not used on yet, or when its data are in doubt. */
  async #openShard(index: number, node: Node): Promise<void> {
    const { knownShards, shards = SHARDS_WANTED } = this.#parts;
    const wanted = this.#layout?.shards ?? knownShards ?? shards;
    const { layout, emptied } = await this.#opener.open(index, node, wanted);
    this.#reopened = true;
    if (index === 0) this.#layout = layout;
    if (!emptied) return;
    [this.#emptied, this.#isNews] = [true, true];
    void this.#mend();
  }

  #owners(): Node[] {
    return [...new Set(this.#links.flatMap(({ node }) => node ?? []))];
  }

  #lost(error: Error): void {
    const { away } = this;
    if (!this.#isLost) this.#parts.onChange(lossOf(away, error));
    this.#isLost = true;
    this.#isNews = true;
    void this.#mend();
  }

  #ownersChanged(): void {
    if (this.#shards.length > 0) void this.#mend();
  }

  /** Until every shard has an owner that answers; then everybody tells what it knows. */
  async #mend(): Promise<void> {
    if (this.#mending || this.#shards.length === 0) return;
    const life = this.#life;
    [this.#mending, this.#reopened] = [true, false];
    try {
      while (!this.connected) {
        this.#isNews = true;
        await allThere(this.#links, this.#parts.clock, () => this.#tellPart());
      }
    } catch {
      return; // closed
    } finally {
      this.#mending = false;
    }
    if (life !== this.#life) return;
    this.#nodes.keepOnly(new Set(this.#owners()));
    for (const wakers of this.#wakers) wakers.arrange();
    if (!this.#isNews) return;
    [this.#isLost, this.#isNews] = [false, false];
    this.#back(false);
  }

  /** What is there again has to be told what is decided, however long others stay away. */
  #tellPart(): void {
    for (const wakers of this.#wakers) wakers.arrange();
    if (this.#reopened) this.#back(true);
  }

  #back(isPart: boolean): void {
    const emptied = this.#emptied;
    [this.#emptied, this.#reopened] = [false, false];
    this.#parts.onChange({ kind: "back", emptied, isPart });
  }
}
