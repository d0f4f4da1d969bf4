/**
 * Claims about a connection that is closed while it is being opened over TLS: the socket tells of
 * more than one error then, and none of them may end the process.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Client, clientFactory, connect } from "../../src/store/redis/client.js";
import { type Certificates, makeCertificates } from "../support/certificates.js";
import { freePort, startServer, type TestServer } from "../support/servers.js";

let certificates: Certificates;
let server: TestServer;
let port: number;

beforeAll(async () => {
  certificates = makeCertificates();
  port = await freePort();
  server = await startServer({ args: ["--tls-port", String(port), ...certificates.serverArgs] });
}, 30_000);
afterAll(async () => {
  await server?.stop();
  certificates?.remove();
});

/** Connects, and closes the connection some turns of the event loop after TCP has connected. */
async function closedAfter(turns: number, makeClient: () => Client): Promise<void> {
  const client = makeClient();
  const refused = expect(connect(client)).rejects.toThrow();
  while (!client.stream || client.stream.connecting) await nextTurn();
  const closed = new Promise((resolve) => client.stream.once("close", resolve));
  for (let turn = 0; turn < turns; turn++) await nextTurn();
  client.disconnect();
  await Promise.all([refused, closed]);
}

test("a connection that is closed while it greets ends no process", async () => {
  const { otherCa: ca, cert, key } = certificates;
  const makeClient = await clientFactory({ host: "127.0.0.1", port, tls: { ca, cert, key } });
  const uncaught: unknown[] = [];
  const note = (error: unknown) => uncaught.push(error);
  process.prependListener("uncaughtException", note);
  try {
    for (let turns = 0; turns < 100; turns++) await closedAfter(turns, makeClient);
  } finally {
    process.off("uncaughtException", note);
  }
  expect(uncaught).toEqual([]);
});
