/** A server that is there and does not get on: what waits for its turn was not sent. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { SchedulerError } from "../../src/core/errors.js";
import { startServer, type TestServer } from "../support/servers.js";
import { drain, job, storeOn } from "./store-kit.js";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => await server?.stop());

test("of calls whose time is over, those that were not sent are known not to be done", async () => {
  const store = storeOn(server);
  try {
    await store.open();
    await store.push({ jobs: [job("t")], timeoutMs: 5_000 });
    process.kill(server.pid, "SIGSTOP");
    const pushes = Array.from({ length: 6 }, () =>
      store.push({ jobs: [job("t")], timeoutMs: 300 }),
    );
    const ends = await Promise.allSettled(pushes);
    process.kill(server.pid, "SIGCONT");
    const errors = ends.map((end) => (end as PromiseRejectedResult).reason as SchedulerError);
    const codes = errors.map(({ code }) => code);
    expect(codes).toEqual([
      ...Array(4).fill("STORE_NO_ANSWER"),
      ...Array(2).fill("STORE_UNREACHABLE"),
    ]);
    expect(errors[5]?.message).toContain("is too slow");
    // In order after those four, which arrived: none of the two did.
    await store.push({ jobs: [job("t")], timeoutMs: 5_000 });
    expect(await drain(store, "t")).toHaveLength(6);
  } finally {
    await store.close();
  }
});
