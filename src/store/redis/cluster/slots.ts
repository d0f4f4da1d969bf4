/** Hash slots of a Redis Cluster: which one a shard has, who owns it, where a refusal points. */

/** CRC-16/XMODEM of the hash tag, as every Redis Cluster computes it. */
export function slotOfShard(shard: number): number {
  let crc = 0;
  for (const byte of Buffer.from(String(shard))) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) {
      crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021;
    }
    crc &= 0xffff;
  }
  return crc % 16_384;
}

export interface NodeAddress {
  host: string;
  port: number;
}

export function nameOf({ host, port }: NodeAddress): string {
  return `${host}:${port}`;
}

export interface SlotRange {
  from: number;
  to: number;
  owner: NodeAddress;
}

/**
 * The reply to CLUSTER SLOTS. A node that does not know how it is reached says so by an empty host:
 * then it is reached as it was asked.
 */
export function decodeSlots(reply: unknown, asked: NodeAddress): SlotRange[] {
  if (!Array.isArray(reply)) return [];
  const ranges: SlotRange[] = [];
  for (const entry of reply as unknown[][]) {
    const [from, to, owner] = entry;
    if (!Array.isArray(owner)) continue;
    const [host, port] = owner as [unknown, unknown];
    const known = typeof host === "string" && host !== "" && host !== "?";
    const address = { host: known ? host : asked.host, port: Number(port) };
    ranges.push({ from: Number(from), to: Number(to), owner: address });
  }
  return ranges;
}

export type Redirect =
  /** Another node owns the slot. */
  | { kind: "moved"; to: NodeAddress | null }
  /** This one call goes to the node that the slot is moving to. */
  | { kind: "ask"; to: NodeAddress | null }
  /** The slot is on its way, or nobody is known to own it: again in a moment. */
  | { kind: "later" };

/** A refusal that only says where, or when: the call has not been carried out. */
export function redirectOf(error: unknown): Redirect | null {
  if (!(error instanceof Error) || error.name !== "ReplyError") return null;
  const [code, , where = ""] = error.message.split(" ", 3);
  switch (code) {
    case "MOVED":
      return { kind: "moved", to: addressIn(where) };
    case "ASK":
      return { kind: "ask", to: addressIn(where) };
    case "TRYAGAIN":
    case "CLUSTERDOWN":
      return { kind: "later" };
    default:
      return null;
  }
}

/** An IPv6 address has colons of its own. An empty host: whoever was asked. */
function addressIn(text: string): NodeAddress | null {
  const at = text.lastIndexOf(":");
  const port = Number(text.slice(at + 1));
  if (at === -1 || !(port > 0)) return null;
  return { host: text.slice(0, at), port };
}
