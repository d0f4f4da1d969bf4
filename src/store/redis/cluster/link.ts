/**
 * The way to one shard of a Redis Cluster: whoever owns its slot, wherever that is by now.
 *  1. sends calls to the owner, and nothing before the shard was opened on that connection
 *  2. takes MOVED, ASK, TRYAGAIN and CLUSTERDOWN for what they are: the call has not been done
 *  3. repeats verbs that may be repeated; numbered calls are repeated by their lane, in order
 */
import { type Clock, sleep } from "../../../clock.js";
import { isAway, SchedulerError } from "../../../core/errors.js";
import type { Link, RunArgs } from "../link.js";
import { failureOf } from "../replies.js";
import type { Script } from "../scripts.js";
import type { KeyGroups } from "../wire.js";
import type { Node, Nodes } from "./nodes.js";
import { type NodeAddress, redirectOf, slotOfShard } from "./slots.js";

/** Between two tries to reach an owner. */
const AGAIN_MS = 25;
/** How long a verb waits for an owner before it fails. */
const WAIT_MS = 5_000;
/** These come again by themselves, and must not hold up what other shards have to say. */
const BRISK: ReadonlySet<string> = new Set(["look", "renew", "reap", "tend", "leave"]);
const BRISK_WAIT_MS = 250;

export interface LinkParts {
  shard: number;
  nodes: Nodes;
  clock: Clock;
  /** Prepares the shard on a connection that it was not used on before. */
  open: (node: Node) => Promise<void>;
}

export class ShardLink implements Link {
  readonly #parts: LinkParts;
  readonly #slot: number;
  /** The connection on which the shard was opened. */
  #opened: { node: Node; life: number } | null = null;
  #opening: Promise<void> | null = null;
  /** Where the slot is moving to, while its owner sends us there. */
  #asking: NodeAddress | null = null;
  #lastError: Error | null = null;
  /** What the owner said to the last call: that the slot is on its way; null: it served it. */
  #moving: Error | null = null;
  /** Rises with close(). */
  #life = 0;

  constructor(parts: LinkParts) {
    this.#parts = parts;
    this.#slot = slotOfShard(parts.shard);
  }

  /** The node that is used; null: none can be. */
  get node(): Node | null {
    const owner = this.#owner;
    const opened = this.#opened;
    if (owner === null || opened === null || opened.node !== owner) return null;
    return owner.connection.connected && owner.life === opened.life ? owner : null;
  }

  get isThere(): boolean {
    return this.node !== null;
  }

  get address(): string {
    return this.#owner?.name ?? "?";
  }

  async whenReady(waitMs?: number): Promise<Node> {
    const { clock } = this.#parts;
    const life = this.#life;
    const until = clock.monotonic() + (waitMs ?? Number.POSITIVE_INFINITY);
    for (;;) {
      const { node } = this;
      if (node !== null) return node;
      // It may come to nothing after nobody waits any more.
      const step = this.#approach(this.#owner).then(
        () => true,
        () => false,
      );
      if (clock.monotonic() >= until) throw this.unreachable();
      await new Promise<void>((resolve) => {
        clock.after(AGAIN_MS, resolve, { keepAlive: waitMs !== undefined });
        void step.then((isCloser) => isCloser && resolve());
      });
      if (life !== this.#life) {
        throw stopped();
      }
    }
  }

  async evalsha(script: Script, keys: KeyGroups, args: readonly string[]): Promise<unknown> {
    const { node } = this;
    if (node === null) throw this.unreachable();
    try {
      const asked = this.#asking;
      const reply = await (asked === null
        ? node.connection.evalsha(script, keys, args)
        : this.#ask(asked, [script.sha1, keys, args]));
      this.#moving = null;
      return reply;
    } catch (error) {
      this.#follow(error, node);
      throw error;
    }
  }

  async run(args: RunArgs): Promise<unknown> {
    const { clock } = this.#parts;
    const longest = BRISK.has(args.verb) ? BRISK_WAIT_MS : (args.waitMs ?? WAIT_MS);
    const until = clock.monotonic() + longest;
    const life = this.#life;
    for (;;) {
      // It was closed while this call paused: nothing may be connected for it any more.
      if (life !== this.#life) throw stopped();
      const node = await this.whenReady(Math.max(0, until - clock.monotonic()));
      try {
        return await this.evalsha(args.script, args.keys, args.args);
      } catch (error) {
        const redirect = redirectOf(error);
        const lost = error instanceof SchedulerError;
        if (failureOf(error) === "noScript") await this.#load(node, args.script);
        else if ((redirect === null && !lost) || clock.monotonic() >= until) {
          throw this.translate(error, args.verb);
        } else if (redirect?.kind === "later" || lost) await sleep(clock, AGAIN_MS);
      }
    }
  }

  async command(name: string, ...args: string[]): Promise<unknown> {
    const { node } = this;
    if (node === null) throw this.unreachable();
    try {
      return await node.connection.command(name, ...args);
    } catch (error) {
      this.#follow(error, node);
      throw error;
    }
  }

  translate(error: unknown, verb: string): SchedulerError {
    if (redirectOf(error) !== null) return this.#onItsWay(error as Error);
    const owner = this.#owner;
    return owner === null ? this.unreachable() : owner.connection.translate(error, verb);
  }

  unreachable(): SchedulerError {
    const owner = this.#owner;
    if (owner !== null && this.node !== null) {
      return this.#moving === null ? owner.connection.unreachable() : this.#onItsWay(this.#moving);
    }
    const error = this.#lastError ?? owner?.connection.lastError ?? this.#parts.nodes.lastError;
    // Waiting does not help against the others: they say why.
    if (error instanceof SchedulerError && !isAway(error)) return error;
    const root = error instanceof SchedulerError ? error.cause : error;
    const reason = root instanceof Error ? root.message : "connecting";
    return new SchedulerError("STORE_UNREACHABLE", `no connection to ${this.#where} (${reason})`, {
      fix: "see CLUSTER INFO on its nodes; the scheduler keeps trying by itself",
      cause: error,
    });
  }

  drop(reason: unknown): void {
    if (redirectOf(reason) === null) this.#opened?.node.connection.drop(reason);
  }

  get #where(): string {
    return `shard ${this.#parts.shard} of the Redis Cluster at ${this.address}`;
  }

  #onItsWay(said: Error): SchedulerError {
    const words = said.message.slice(0, 100);
    const message = `slot ${this.#slot} of ${this.#where} does not serve calls now ("${words}")`;
    return new SchedulerError("STORE_UNREACHABLE", message, {
      fix: "nothing was done; a slot that moves serves again when it has arrived: CLUSTER NODES",
      cause: said,
    });
  }

  get #owner(): Node | null {
    return this.#parts.nodes.ownerOf(this.#slot);
  }

  close(): void {
    this.#life += 1;
    this.#moving = null;
    this.#opened = null;
    this.#asking = null;
  }

  /** Resolves when it has come closer to the owner; rejects when not. */
  async #approach(owner: Node | null): Promise<void> {
    const { nodes } = this.#parts;
    if (owner?.connection.connected) return await this.#open(owner);
    const refreshed = nodes.refresh();
    // Goes on by itself; if the owner has died, another node says so.
    await (owner === null ? refreshed : owner.connection.whenReady(AGAIN_MS));
  }

  #open(owner: Node): Promise<void> {
    const { life } = owner;
    this.#opening ??= this.#parts
      .open(owner)
      .then(
        () => {
          this.#opened = { node: owner, life };
          this.#lastError = null;
        },
        (error: unknown) => {
          this.#lastError = error instanceof Error ? error : new Error(String(error));
          this.#follow(error, owner);
          throw error;
        },
      )
      .finally(() => {
        this.#opening = null;
      });
    return this.#opening;
  }

  /** Both go out one after the other on one connection: nothing can come between them. */
  async #ask(
    to: NodeAddress,
    [sha1, keys, args]: [string, KeyGroups, readonly string[]],
  ): Promise<unknown> {
    const { connection } = this.#parts.nodes.at(to);
    if (!connection.connected) {
      await connection.whenReady(BRISK_WAIT_MS);
    }
    const names = keys.flat();
    const [, reply] = await Promise.all([
      connection.command("ASKING"),
      connection.command("EVALSHA", sha1, String(names.length), ...names, ...args),
    ]);
    return reply;
  }

  async #load(node: Node, script: Script): Promise<void> {
    const { connection } = this.#asking === null ? node : this.#parts.nodes.at(this.#asking);
    await connection.command("SCRIPT", "LOAD", script.text).catch(() => {});
  }

  /** What a refusal tells of where the slot is. */
  #follow(error: unknown, from: Node): void {
    if (failureOf(error) === "noScript") return;
    const redirect = redirectOf(error);
    const { nodes } = this.#parts;
    const asked = this.#asking;
    this.#asking = null;
    if (redirect === null) return;
    if (redirect.kind !== "moved") this.#moving = error as Error;
    if (redirect.kind === "later") {
      void nodes.refresh();
      return;
    }
    const host = redirect.to?.host || (asked ?? from.address).host;
    const to = redirect.to === null ? null : { host, port: redirect.to.port };
    if (to === null) void nodes.refresh();
    else if (redirect.kind === "ask") this.#asking = to;
    else nodes.moved(this.#slot, to);
  }
}

function stopped(): SchedulerError {
  return new SchedulerError("STORE_CLOSED", "the scheduler was stopped meanwhile");
}
