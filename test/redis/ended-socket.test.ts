/** Claims about a socket that has ended and has not said so yet: nothing is sent on it. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemChance } from "../../src/chance.js";
import { systemClock } from "../../src/clock.js";
import type { ConnectionChange } from "../../src/store/contract.js";
import { type Client, clientFactory } from "../../src/store/redis/client.js";
import { Connection } from "../../src/store/redis/connection.js";
import { startServer, type TestServer } from "../support/servers.js";

const text = "return ARGV[1]";
const ECHO = { text, sha1: createHash("sha1").update(text).digest("hex") };

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
}, 30_000);
afterAll(async () => {
  await server?.stop();
});

test("who asks while a socket ends is answered over the next one", async () => {
  const clients: Client[] = [];
  const changes: ConnectionChange["kind"][] = [];
  const connection = new Connection({
    makeClient: async () => {
      const make = await clientFactory({ host: server.host, port: server.port });
      return () => {
        const client = make();
        clients.push(client);
        return client;
      };
    },
    prepare: async () => ({ emptied: false }),
    clock: systemClock,
    chance: systemChance,
    onChange: ({ kind }) => changes.push(kind),
  });
  try {
    await connection.connectNow();
    clients[0]?.stream.end();
    expect(connection.connected).toBe(true);
    const asked = { verb: "get", script: ECHO, keys: [["key"]], args: ["answer"] };
    expect(await connection.run(asked)).toBe("answer");
    expect(clients).toHaveLength(2);
    expect(changes).toEqual(["lost", "back"]);
  } finally {
    connection.close();
  }
});
