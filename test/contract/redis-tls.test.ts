/** The contract, kept by the Redis store over TLS, with a server that wants a certificate, too. */
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemChance } from "../../src/chance.js";
import { systemClock } from "../../src/clock.js";
import type { Store } from "../../src/store/contract.js";
import type { RedisTarget } from "../../src/store/redis/client.js";
import { createRedisStore } from "../../src/store/redis/store.js";
import { type Certificates, makeCertificates } from "../support/certificates.js";
import { PREFIX, worldOn } from "../support/redis-world.js";
import { freePort, startServer, type TestServer } from "../support/servers.js";
import { examine } from "./suite.js";

let certificates: Certificates;
let server: TestServer;
let admin: Redis;
let tlsPort: number;

beforeAll(async () => {
  certificates = makeCertificates();
  tlsPort = await freePort();
  const args = ["--tls-port", String(tlsPort), ...certificates.serverArgs];
  // The plain port is the tests' own, to move the clock by.
  server = await startServer({ args });
  admin = new Redis({ host: server.host, port: server.port });
}, 30_000);

afterAll(async () => {
  admin?.disconnect();
  await server?.stop();
  certificates?.remove();
});

function target(tls: object): RedisTarget {
  return { host: "127.0.0.1", port: tlsPort, tls };
}

examine(
  "Redis over TLS",
  () => {
    const { ca, cert, key } = certificates;
    const redis = target({ ca, cert, key });
    const parts = { redis, shards: 1, of: () => admin, servers: [admin] };
    return worldOn(parts, async () => {});
  },
  { persistent: true, connection: true, frozenClock: false },
  { whole: process.env.CONTRACT === "whole" },
);

async function openingWith(redis: RedisTarget): Promise<Error> {
  const identity = systemChance.identity();
  const parts = { identity, clock: systemClock, chance: systemChance };
  const store: Store = createRedisStore({ redis, prefix: PREFIX, ...parts });
  try {
    await store.open();
  } catch (error) {
    return error as Error;
  } finally {
    await store.close();
  }
  throw new Error("it was opened");
}

test("a client without TLS is no client", async () => {
  const error = await openingWith({ host: "127.0.0.1", port: tlsPort });
  expect(error).toMatchObject({ code: "STORE_UNREACHABLE" });
});

test("a server with the certificate of somebody else is left, and the error says so", async () => {
  const { otherCa: ca, cert, key } = certificates;
  const error = await openingWith(target({ ca, cert, key }));
  expect(error).toMatchObject({ code: "STORE_UNREACHABLE" });
  expect(error.message).toMatch(/certificate/);
});

test("a server whose certificate is for another name is not talked to", async () => {
  const { ca, cert, key } = certificates;
  const error = await openingWith(target({ ca, cert, key, servername: "elsewhere.example" }));
  expect(error).toMatchObject({ code: "STORE_UNREACHABLE" });
  expect(error.message).toMatch(/altnames|elsewhere\.example/);
});

test("a client without the certificate that the server wants is refused", async () => {
  const error = await openingWith(target({ ca: certificates.ca }));
  expect(error).toMatchObject({ code: "STORE_UNREACHABLE" });
  expect(error.message).not.toContain(certificates.key.slice(40, 80));
});
