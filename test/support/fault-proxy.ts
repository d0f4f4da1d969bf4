/**
 * A TCP proxy on loopback between a client and a server, with the faults of real networks: lost
 * replies, cut connections, black holes, slowness. Bytes are never changed, only late or dropped.
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

export type Fault =
  /** Everything passes. */
  | "none"
  /** Requests arrive, replies are thrown away. */
  | "mute"
  /** Requests are thrown away, replies pass. */
  | "deaf"
  /** Nothing passes in either direction, and nobody is told: a half-open connection. */
  | "blackHole"
  /** Nothing passes, but nothing is lost: what was sent arrives when this is over. */
  | "hold"
  /** Connections are reset as soon as they are made. */
  | "refuse"
  /** Everything passes 50 to 250 ms later, in order. */
  | "late"
  /** Everything passes, one byte each 2 ms. */
  | "trickle";

export interface FaultProxy {
  readonly port: number;
  /** From now on, for old and new connections. */
  set(fault: Fault): void;
  /** Resets every connection. */
  cut(): void;
  /** Ends every connection on the server's side; clients are not told, now or later. */
  abandon(): void;
  /** Connections made from now on lead there. */
  aim(target: Target): void;
  /** Resolves when the server has sent its next reply, whether or not that passes. */
  nextReply(): Promise<void>;
  connections(): number;
  close(): Promise<void>;
}

interface Target {
  host: string;
  port: number;
}

interface Pair {
  client: Socket;
  server: Socket;
  isAbandoned: boolean;
}

const TRICKLE_MS = 2;

export async function startFaultProxy(first: Target): Promise<FaultProxy> {
  const pairs = new Set<Pair>();
  let fault: Fault = "none";
  let target = first;
  let waiting: (() => void)[] = [];

  const listener = createServer((client) => {
    if (fault === "refuse") {
      client.resetAndDestroy();
      return;
    }
    const server = connect(target.port, target.host);
    const pair = { client, server, isAbandoned: false };
    pairs.add(pair);
    const end = () => {
      if (pair.isAbandoned && !client.destroyed) return;
      pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    client.on("error", end).on("close", () => {
      pair.isAbandoned = false;
      end();
    });
    server.on("error", end).on("close", end);
    const passes = (dropped: Fault) => fault !== "blackHole" && fault !== dropped;
    const toServer = slowly(server, () => fault);
    const toClient = slowly(client, () => fault);
    client.on("data", (bytes) => {
      if (passes("deaf")) toServer(bytes);
    });
    server.on("data", (bytes) => {
      if (passes("mute")) toClient(bytes);
      for (const done of waiting.splice(0)) done();
    });
  });
  const port = await listening(listener);
  return {
    port,
    set: (next) => {
      fault = next;
    },
    cut() {
      for (const { client, server } of [...pairs]) {
        client.resetAndDestroy();
        server.destroy();
      }
    },
    abandon() {
      for (const pair of pairs) {
        pair.isAbandoned = true;
        pair.server.destroy();
      }
    },
    aim: (next) => {
      target = next;
    },
    nextReply: () => new Promise((resolve) => void waiting.push(resolve)),
    connections: () => pairs.size,
    close() {
      waiting = [];
      for (const { client, server } of pairs) {
        client.destroy();
        server.destroy();
      }
      return new Promise((resolve) => void listener.close(() => resolve()));
    },
  };
}

/** Writes to a socket as fast as the fault lets it; what came first goes out first. */
function slowly(socket: Socket, fault: () => Fault): (bytes: Buffer) => void {
  const queue: { dueAt: number; bytes: Buffer; kind: Fault }[] = [];
  /** Once the line is as fast as before, what has stood in it goes out at once. */
  const isDue = ({ dueAt, kind }: { dueAt: number; kind: Fault }) =>
    dueAt <= performance.now() || (kind === "trickle" && fault() !== "trickle");
  const pump = () => {
    while (queue[0] !== undefined && isDue(queue[0]) && fault() !== "hold") {
      const { bytes } = queue.shift()!;
      if (!socket.destroyed) socket.write(bytes);
    }
    if (queue.length > 0 && !socket.destroyed) setTimeout(pump, 1);
  };
  return (bytes) => {
    const kind = fault();
    const isSlow = kind === "late" || kind === "trickle" || kind === "hold";
    if (!isSlow && queue.length === 0) {
      socket.write(bytes);
      return;
    }
    const isFirst = queue.length === 0;
    const waitMs = kind === "late" ? 50 + Math.random() * 200 : 0;
    const stepMs = kind === "trickle" ? TRICKLE_MS : 0;
    const pieces = kind === "trickle" ? [...bytes].map((byte) => Buffer.from([byte])) : [bytes];
    for (const piece of pieces) {
      const dueAt = Math.max((queue.at(-1)?.dueAt ?? 0) + stepMs, performance.now() + waitMs);
      queue.push({ dueAt, bytes: piece, kind });
    }
    if (isFirst) pump();
  };
}

function listening(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}
