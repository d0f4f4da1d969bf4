/** Which settings of a connection can be copied into a thread, and what is left of them. */
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { portableRedis } from "../../src/threads/orders.js";

test("a URL stays what it is", () => {
  expect(portableRedis("rediss://a:b@h:1/2")).toBe("rediss://a:b@h:1/2");
});

test("options are copied whole, with credentials and certificates", () => {
  const options = {
    ...{ host: "h", port: 7, username: "u", password: "p", db: 3 },
    tls: { ca: "CA", key: Buffer.from("key"), servername: "s" },
    natMap: { "a:1": { host: "b", port: 2 } },
  };
  const copy = portableRedis(options) as typeof options;
  expect(copy).not.toBe(options);
  expect(copy).toMatchObject({ ...options, tls: { ca: "CA", servername: "s" } });
  expect(Buffer.from(copy.tls.key)).toEqual(options.tls.key);
});

test("a client's options are taken over, without its ways to connect again", () => {
  const client = new Redis({
    ...{ lazyConnect: true, host: "h", port: 7, password: "p", db: 3 },
    retryStrategy: () => 5,
  });
  expect(portableRedis(client)).toMatchObject({ host: "h", port: 7, password: "p", db: 3 });
  client.disconnect();
});

test("functions that would be missed cannot be copied", () => {
  const tls = { checkServerIdentity: () => undefined };
  expect(portableRedis({ host: "h", tls })).toBeNull();
  const client = new Redis({ lazyConnect: true, tls });
  expect(portableRedis(client)).toBeNull();
  client.disconnect();
});
