/**
 * Hears every error of a client's sockets. The client library hears the first one of each; a TLS
 * socket that is closed while it greets the server tells of two, and Node ends the process for an
 * error that nobody hears.
 */
import type { Client } from "./client.js";

/** What makes sockets in the client library; that of a Sentinel makes clients of its own, too. */
interface Connector {
  stream?: Client["stream"];
  connect(...args: unknown[]): Promise<Client["stream"]>;
  connectToSentinel?(...args: unknown[]): Client;
}

/** From now on no error of a socket that this client makes ends the process. */
export function hearSocketErrors(client: Client): void {
  const connector = Reflect.get(client, "connector") as Connector | undefined;
  if (connector === undefined) return;
  const { connect, connectToSentinel } = connector;
  connector.connect = async (...args) => heard(await connect.apply(connector, args));
  if (connectToSentinel === undefined) return;
  connector.connectToSentinel = (...args) => {
    const sentinel = connectToSentinel.apply(connector, args);
    hearSocketErrors(sentinel);
    // Some connect as soon as they are made: their socket is there a tick later.
    process.nextTick(() => heard((Reflect.get(sentinel, "connector") as Connector).stream));
    return sentinel;
  };
}

function heard<T extends Client["stream"] | undefined>(stream: T): T {
  stream?.on("error", heardAlready);
  return stream;
}

/** What the first error said is all that anybody needs. */
function heardAlready(): void {}
