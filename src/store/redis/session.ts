/**
 * What one scheduler has open on the server: the connection, the scripts, the shards.
 *  1. prepares each new connection: version, layout, scripts
 *  2. notices that the data were lost or replaced, or the server started again: then it asks that
 *     no schedule fires before everybody has told what is decided
 */
import type { Chance } from "../../chance.js";
import type { Clock } from "../../clock.js";
import type { Durability } from "../../core/durability.js";
import type { ConnectionChange } from "../contract.js";
import { type Client, type Command, clientFactory, type RedisTarget } from "./client.js";
import { Connection } from "./connection.js";
import type { Patient } from "./doctor.js";
import { ShardKeys } from "./keys.js";
import { decodeLayout, LAYOUT_VERSION, SHARDS_WANTED } from "./layout.js";
import { loadScripts } from "./load-scripts.js";
import { askServer, checkServer, type ServerFacts } from "./server.js";
import { type Scripts, Shard } from "./shard.js";
import { Waker, type WakerParts } from "./waker.js";

export interface SessionParts {
  redis: RedisTarget;
  prefix: string;
  identity: string;
  clock: Clock;
  chance: Chance;
  scripts: () => Promise<Scripts>;
  /** Of a new data set; default: one, on a Cluster 16. */
  shards?: number | undefined;
  /** Of the data, where somebody has told: else the first shard has to be there. */
  knownShards?: number | undefined;
  /** What is known here of how tasks are spread. */
  knowledge?: Knowledge;
  onChange: (change: ConnectionChange) => void;
}

/** How tasks are spread that have one home: each with the number of its shards. */
export type Spread = readonly (readonly [taskId: string, over: number])[];

export interface Knowledge {
  of(home: number, shards: number): Spread;
  /** That is in force. */
  isTold(spread: Spread, shards: number): void;
}

export type Hearing = Pick<Waker, "start" | "stop" | "looksEvery">;

/**
 * At once where it is known: a call is on the wire then before its caller makes the next one, and
 * the server works meanwhile.
 */
export type Soon<T> = T | Promise<T>;

/** Who has a shard. */
export interface Owner {
  name: string;
  /** Of the run that is connected; null: hidden. */
  runId: string | null;
  makeClient: () => Promise<() => Client>;
}

/** What the store needs of it, on a single server and on a Cluster. */
export interface Home {
  /** The store's clock when it was opened, epoch ms. */
  readonly now: number;
  readonly address: string;
  readonly connected: boolean;
  /** Shards that are away while others are there, as people call them. */
  readonly away: readonly string[];
  readonly lastError: Error | null;
  /** The run of the server when the connection was prepared; null: hidden, or several. */
  readonly runId: string | null;
  /** Who has each shard now, in their order; null: nobody who is there. */
  owners(): readonly (Owner | null)[];
  /** For connections of somebody's own; on a Cluster to the node of the first shard. */
  readonly makeClient: () => Promise<() => Client>;
  /** The servers that have shards, for an examination; nothing is written, or opened for long. */
  patients(): Promise<readonly Patient[]>;
  sinceAnswerMs(): number | null;
  /** Connects once; rejects with the reason when that fails. */
  connectNow(): Promise<void>;
  /** 1 until the layout is known. */
  readonly shardCount: number;
  /** The shards as soon as the layout is known. */
  shards(waitMs: number): Soon<readonly Shard[]>;
  /** Resolves when it is known how tasks are spread from a shard; rejects while it is not. */
  surely(shard: number): Promise<void>;
  facts(durability: Durability): Promise<ServerFacts>;
  /** The store does not know this session: has it lost its data, or only this? */
  verify(): Promise<void>;
  /** Hears of what happens in the store. */
  waker(parts: Pick<WakerParts, "onWake" | "isLate">): Hearing;
  close(): void;
}

export class Session implements Home {
  readonly connection: Connection;
  readonly makeClient: () => Promise<() => Client>;
  readonly #parts: SessionParts;
  readonly #firstKeys: ShardKeys;
  readonly #command: Command = (name, ...args) => this.connection.command(name, ...args);
  #scripts: Scripts | null = null;
  #shards: Shard[] = [];
  #born: string | null = null;
  #version: string | null = null;
  #runId: string | null = null;
  #now = 0;
  #verifying = false;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#firstKeys = new ShardKeys({ prefix: parts.prefix, shard: 0, identity: parts.identity });
    let factory: Promise<() => Client> | null = null;
    this.makeClient = () => {
      factory ??= clientFactory(parts.redis);
      return factory;
    };
    this.connection = new Connection({
      makeClient: this.makeClient,
      prepare: (client) => this.#prepare(client),
      clock: parts.clock,
      chance: parts.chance,
      onChange: parts.onChange,
    });
  }

  get runId(): string | null {
    return this.#runId;
  }

  get now(): number {
    return this.#now;
  }

  get shardCount(): number {
    return this.#shards.length || 1;
  }

  get address(): string {
    return this.connection.address;
  }

  get connected(): boolean {
    return this.connection.connected;
  }

  owners(): (Owner | null)[] {
    const { address: name, runId, makeClient } = this;
    const owner = this.connected ? { name, runId, makeClient } : null;
    return this.#shards.map(() => owner);
  }

  get away(): readonly string[] {
    return [];
  }

  get lastError(): Error | null {
    return this.connection.lastError;
  }

  async patients(): Promise<readonly Patient[]> {
    return [{ node: null, shards: [0], makeClient: this.makeClient }];
  }

  sinceAnswerMs(): number | null {
    return this.connection.sinceAnswerMs();
  }

  connectNow(): Promise<void> {
    return this.connection.connectNow();
  }

  shards(waitMs: number): Soon<readonly Shard[]> {
    if (this.#shards.length > 0) return this.#shards;
    return this.connection.whenReady(waitMs).then(() => this.#shards);
  }

  /** Whatever this server has lost, all shards have lost. */
  async surely(): Promise<void> {}

  waker(parts: Pick<WakerParts, "onWake" | "isLate">): Waker {
    const { clock, chance } = this.#parts;
    const channels = (): string[] =>
      this.#shards.length === 0
        ? [this.#firstKeys.channel]
        : this.#shards.map((shard) => shard.keys.channel);
    return new Waker({
      clock,
      chance,
      ...parts,
      makeClient: this.makeClient,
      channels,
      shardOf: (channel) => channels().indexOf(channel),
      subscribe: async (client, receive) => {
        client.on("message", receive);
        await client.subscribe(...channels());
      },
      publish: (channel, message) => this.connection.command("PUBLISH", channel, message),
    });
  }

  async facts(durability: Durability): Promise<ServerFacts> {
    await this.connection.whenReady();
    return await askServer(this.#command, { version: this.#version, durability });
  }

  async verify(): Promise<void> {
    if (this.#verifying) return;
    this.#verifying = true;
    try {
      await this.connection.whenReady();
      const { emptied } = await this.#readLayout(this.#command);
      for (const shard of this.#shards) {
        shard.works.reopen();
        shard.pushes.reopen();
      }
      if (emptied) this.#parts.onChange({ kind: "back", emptied });
    } catch {
      // The next look finds the same, and asks again.
    } finally {
      this.#verifying = false;
    }
  }

  close(): void {
    for (const shard of this.#shards) {
      shard.pushes.close();
      shard.works.close();
    }
    this.connection.close();
  }

  async #prepare(client: Client): Promise<{ emptied: boolean }> {
    this.#scripts ??= await this.#parts.scripts();
    // Not yet the connection's client: its own methods do not reach it.
    const command: Command = (name, ...args) => client.call(name, ...args);
    const { version, runId } = await checkServer(command);
    this.#version = version;
    const result = await this.#readLayout(command, runId);
    await this.#loadScripts(command);
    return result;
  }

  async #readLayout(command: Command, runId: string | null = null): Promise<{ emptied: boolean }> {
    const scripts = this.#scripts ?? (await this.#parts.scripts());
    const keys = [...this.#firstKeys.base, this.#firstKeys.layout];
    const reply = await command(
      "EVAL",
      scripts.open.text,
      String(keys.length),
      ...keys,
      String(LAYOUT_VERSION),
      String(this.#parts.shards ?? SHARDS_WANTED),
      this.#parts.chance.identity(),
    );
    const layout = decodeLayout(reply as string[], this.#parts.prefix);
    const emptied = this.#born !== null && this.#born !== layout.born;
    const restarted = this.#runId !== null && runId !== null && runId !== this.#runId;
    if (emptied || restarted) await this.#hold(command, `${layout.born} ${runId ?? this.#runId}`);
    this.#runId = runId ?? this.#runId;
    this.#born = layout.born;
    this.#now = layout.now;
    if (this.#shards.length === 0) this.#makeShards(layout.shards, scripts);
    return { emptied };
  }

  async #hold(command: Command, change: string): Promise<void> {
    const script = this.#scripts?.hold.text ?? "";
    for (const { keys } of this.#shards) {
      await command("EVAL", script, String(keys.base.length), ...keys.base, change);
    }
  }

  #makeShards(count: number, scripts: Scripts): void {
    const { prefix, identity, clock } = this.#parts;
    const onForgotten = (): void => void this.verify();
    const loadScripts = async () => this.#loadScripts(this.#command);
    for (let index = 0; index < count; index += 1) {
      const { connection } = this;
      this.#shards.push(
        new Shard({
          index,
          prefix,
          identity,
          connection,
          clock,
          scripts,
          loadScripts,
          onForgotten,
        }),
      );
    }
  }

  async #loadScripts(command: Command): Promise<void> {
    if (this.#scripts !== null) await loadScripts(command, this.#scripts);
  }
}
