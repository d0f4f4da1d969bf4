/**
 * A TCP proxy on loopback between a client and a server, with the faults of real networks: lost
 * replies, cut connections, black holes. Bytes are never changed, only delayed or dropped.
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

export type Fault =
  /** Everything passes. */
  | "none"
  /** Requests arrive, replies are thrown away. */
  | "mute"
  /** Nothing passes in either direction, and nobody is told: a half-open connection. */
  | "blackHole"
  /** Connections are reset as soon as they are made. */
  | "refuse";

export interface FaultProxy {
  readonly port: number;
  /** From now on, for old and new connections. */
  set(fault: Fault): void;
  /** Resets every connection. */
  cut(): void;
  /** Nothing passes any more through the connections that there are; those to come are sound. */
  deafen(): void;
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
  deaf: boolean;
}

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
    const pair = { client, server, deaf: false };
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) socket.on("error", end).on("close", end);
    client.on("data", (bytes) => {
      if (fault !== "blackHole" && !pair.deaf) server.write(bytes);
    });
    server.on("data", (bytes) => {
      if (fault === "none" && !pair.deaf) client.write(bytes);
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
    deafen() {
      for (const pair of pairs) pair.deaf = true;
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

function listening(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}
