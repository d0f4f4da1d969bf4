/**
 * Wake-ups on a Cluster: one subscribed connection to each node that owns a shard, so that whoever
 * publishes there is told the truth about who hears it.
 */
import type { Chance } from "../../../chance.js";
import type { Clock } from "../../../clock.js";
import type { HandedBatch, Wake } from "../../contract.js";
import type { Link } from "../link.js";
import { Waker } from "../waker.js";
import type { Node } from "./nodes.js";

export interface ShardChannel {
  channel: string;
  /** null: nobody owns it now. */
  node: Node | null;
  link: Link;
}

export interface WakersParts {
  /** Of each shard, in their order. */
  channels: () => readonly ShardChannel[];
  clock: Clock;
  chance: Chance;
  onWake: (wake: Wake) => void;
  isLate: (batch: HandedBatch) => boolean;
  /** A node says that a channel is not its own any more. */
  onMoved: () => void;
}

interface Listening {
  waker: Waker;
  /** The channels that it is for, as one text. */
  what: string;
}

export class Wakers {
  readonly #parts: WakersParts;
  readonly #listening = new Map<Node, Listening>();
  #started = false;
  #looksEveryMs = Number.POSITIVE_INFINITY;

  constructor(parts: WakersParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#started = true;
    this.arrange();
  }

  looksEvery(ms: number): void {
    this.#looksEveryMs = ms;
    for (const { waker } of this.#listening.values()) waker.looksEvery(ms);
  }

  stop(): void {
    this.#started = false;
    for (const { waker } of this.#listening.values()) waker.stop();
    this.#listening.clear();
  }

  /** The owners may be others now. */
  arrange(): void {
    if (!this.#started) return;
    const wanted = this.#byNode();
    for (const [node, { waker, what }] of this.#listening) {
      if (wanted.get(node)?.join("\n") === what) continue;
      waker.stop();
      this.#listening.delete(node);
    }
    for (const [node, channels] of wanted) {
      if (this.#listening.has(node)) continue;
      const waker = this.#wakerAt(node, channels);
      this.#listening.set(node, { waker, what: channels.join("\n") });
      waker.looksEvery(this.#looksEveryMs);
      waker.start();
    }
  }

  #byNode(): Map<Node, string[]> {
    const found = new Map<Node, string[]>();
    for (const { node, channel } of this.#parts.channels()) {
      if (node === null) continue;
      const channels = found.get(node);
      if (channels === undefined) found.set(node, [channel]);
      else channels.push(channel);
    }
    return found;
  }

  #wakerAt(node: Node, channels: readonly string[]): Waker {
    const { clock, chance, onWake, isLate, onMoved } = this.#parts;
    const all = () => this.#parts.channels();
    return new Waker({
      clock,
      chance,
      onWake,
      isLate,
      makeClient: node.makeClient,
      channels: () => channels,
      shardOf: (channel) => all().findIndex((one) => one.channel === channel),
      publish: (channel, message) => node.connection.command("SPUBLISH", channel, message),
      subscribe: async (client, receive) => {
        client.on("smessage", receive);
        // The node says so when a slot has left it.
        client.on("moved", () => {
          onMoved();
          client.disconnect();
        });
        // Channels of different slots cannot stand in one command.
        await Promise.all(channels.map((channel) => client.ssubscribe(channel)));
      },
    });
  }
}
