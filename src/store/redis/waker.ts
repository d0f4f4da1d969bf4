/**
 * Wake-ups: a second connection that is subscribed to this scheduler's own channels.
 *  1. turns messages into wake-ups
 *  2. proves that wake-ups arrive, and replaces the connection when they do not: from end to end
 *     now and then, that the socket lives as often as it matters
 *  3. where subscribing is forbidden, gives up quietly: the caller's looks are enough
 */
import type { Chance } from "../../chance.js";
import type { Clock, Timer } from "../../clock.js";
import type { HandedBatch, Wake } from "../contract.js";
import { type Client, connect } from "./client.js";
import { decodeHanded } from "./handed.js";
import { failureOf } from "./replies.js";
import { afterSecondLook } from "./second-look.js";

/** A message to itself goes round so often. */
const ROUND_MS = 15_000;
/** Between two signs of life from the socket, where nobody looks for longer than that. */
const PROBE_MS = 3_200;
const PROBE_ANSWER_MS = 1_500;
const CONNECT_MS = 5_000;
const LONGEST_PAUSE_MS = 1_000;
const FORBIDDEN_PAUSE_MS = 60_000;

export type Receive = (channel: string, message: string) => void;

export interface WakerParts {
  makeClient: () => Promise<() => Client>;
  channels: () => readonly string[];
  shardOf: (channel: string) => number;
  /** Lets the messages of all channels in. */
  subscribe: (client: Client, receive: Receive) => Promise<void>;
  /** Publishes on the other connection. */
  publish: (channel: string, message: string) => Promise<unknown>;
  clock: Clock;
  chance: Chance;
  onWake: (wake: Wake) => void;
  isLate: (batch: HandedBatch) => boolean;
}

export class Waker {
  readonly #parts: WakerParts;
  #client: Client | null = null;
  #life = 0;
  #timer: Timer | null = null;
  #probe = 0;
  #heard = 0;
  /** Looks are at most so far apart, ms: they find what a deaf connection has missed. */
  #looksEveryMs = Number.POSITIVE_INFINITY;
  #roundAt = Number.NEGATIVE_INFINITY;

  constructor(parts: WakerParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#life += 1;
    void this.#keepSubscribed(this.#life);
  }

  /** The caller looks again after this time in any case, ms. */
  looksEvery(ms: number): void {
    this.#looksEveryMs = ms;
  }

  stop(): void {
    this.#life += 1;
    this.#timer?.cancel();
    this.#client?.disconnect();
    this.#client = null;
  }

  /** One connection after the other, until stopped. */
  async #keepSubscribed(life: number): Promise<void> {
    let pauseMs = 0;
    while (life === this.#life) {
      try {
        const client = await this.#subscribe(life);
        pauseMs = 0;
        // Something may have been published while nobody listened.
        this.#parts.onWake({ kind: "look" });
        await this.#untilLost(client, life);
      } catch (error) {
        const forbidden = failureOf(error) === "refused";
        pauseMs = forbidden ? FORBIDDEN_PAUSE_MS : Math.min(LONGEST_PAUSE_MS, pauseMs * 2 + 50);
      }
      if (life !== this.#life) return;
      await this.#pause(pauseMs * (0.5 + this.#parts.chance.random() / 2));
    }
  }

  async #subscribe(life: number): Promise<Client> {
    const client = (await this.#parts.makeClient())();
    // From here on stop() ends it, also in the middle of connecting.
    if (life === this.#life) this.#client = client;
    const timer = this.#parts.clock.after(CONNECT_MS, () => client.disconnect());
    try {
      await connect(client);
      client.stream?.unref?.();
      const receive: Receive = (channel, message) => this.#receive(channel, message);
      await this.#parts.subscribe(client, receive);
    } catch (error) {
      client.disconnect();
      throw error;
    } finally {
      timer.cancel();
    }
    if (life !== this.#life) client.disconnect();
    return client;
  }

  #untilLost(client: Client, life: number): Promise<void> {
    return new Promise((resolve) => {
      if (client.status !== "ready" && client.status !== "connect") resolve();
      client.once("close", () => {
        this.#timer?.cancel();
        resolve();
      });
      if (life !== this.#life) return;
      this.#roundAt = this.#parts.clock.monotonic();
      this.#probeLater(client);
    });
  }

  #probeLater(client: Client): void {
    const { clock } = this.#parts;
    const toRoundMs = Math.max(1, this.#roundAt + ROUND_MS - clock.monotonic());
    const isRound = this.#looksEveryMs <= PROBE_MS || toRoundMs <= PROBE_MS;
    const probe = (): Promise<void> =>
      isRound ? this.#proveArrival(client) : this.#proveLife(client);
    const inMs = isRound ? toRoundMs : PROBE_MS;
    this.#timer = clock.after(inMs, () => void probe(), { keepAlive: false });
  }

  /** Only the socket, which is what mostly dies. */
  async #proveLife(client: Client): Promise<void> {
    const { clock } = this.#parts;
    const timer = afterSecondLook(clock, PROBE_ANSWER_MS, () => client.disconnect());
    try {
      await client.ping();
    } catch (error) {
      // Whoever says no is alive: not every user may send PING.
      if (failureOf(error) !== "refused") client.disconnect();
    }
    timer.cancel();
    if (this.#client === client && client.status === "ready") this.#probeLater(client);
  }

  /** The other connection has its own watchdog; only a message that was sent must arrive here. */
  async #proveArrival(client: Client): Promise<void> {
    const [channel] = this.#parts.channels();
    this.#probe += 1;
    const probe = this.#probe;
    this.#roundAt = this.#parts.clock.monotonic();
    let receivers: unknown;
    try {
      receivers = await this.#parts.publish(channel ?? "", `p${probe}`);
    } catch {
      if (this.#client === client) this.#probeLater(client);
      return;
    }
    if (this.#client !== client) return;
    // Subscribed to another server, such as a primary that has become a replica: messages come by
    // replication, but whoever publishes one is told that nobody is there.
    if (receivers === 0) {
      client.disconnect();
      return;
    }
    this.#timer = afterSecondLook(this.#parts.clock, PROBE_ANSWER_MS, () => {
      if (this.#client !== client) return;
      if (this.#heard >= probe) this.#probeLater(client);
      else client.disconnect();
    });
  }

  #receive(channel: string, message: string): void {
    const rest = message.slice(1);
    switch (message.charAt(0)) {
      case "t":
        this.#parts.onWake({ kind: "task", taskId: rest, shard: this.#parts.shardOf(channel) });
        return;
      case "c": {
        const [fence = "", number = ""] = rest.split(" ", 2);
        const taskId = rest.slice(fence.length + number.length + 2);
        const shard = this.#parts.shardOf(channel);
        this.#parts.onWake({ kind: "cancelled", fence, number, taskId, shard });
        return;
      }
      case "h": {
        const batch = decodeHanded(this.#parts.shardOf(channel), rest);
        if (batch === null) this.#parts.onWake({ kind: "look" });
        else this.#parts.onWake({ kind: "handed", batch, isLate: this.#parts.isLate(batch) });
        return;
      }
      case "p":
        this.#heard = Number(rest);
        return;
      default:
        // A newer version may send more.
        this.#parts.onWake({ kind: "look", shard: this.#parts.shardOf(channel) });
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#parts.clock.after(ms, resolve, { keepAlive: false });
    });
  }
}
