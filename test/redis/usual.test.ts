/**
 * Claims about what scripts define for each call, on a real server: an ordinary job's whole life
 * takes no function beyond those that its verbs call usual, since each costs every call.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { NewJob, Settle, Store } from "../../src/store/contract.js";
import { scripts } from "../../src/store/redis/scripts.js";
import { withBug } from "../support/mutate.js";
import { startServer, type TestServer } from "../support/servers.js";
import { job, KEEP, LEASE_MS, storeOn } from "./store-kit.js";

let server: TestServer;
let store: Store;

beforeAll(async () => {
  server = await startServer();
  const { host, port } = server;
  // Whoever asks for more is told so instead.
  const trapped = withBug(scripts, "    R[k]()\n", "    error(name .. ' is not usual')\n");
  store = storeOn({ host, port }, "_usual:", trapped);
  await store.open();
}, 30_000);
afterAll(async () => {
  await store?.close();
  await server?.stop();
});

const push = (jobs: readonly NewJob[]) => store.push({ jobs, timeoutMs: 5_000 });

async function work(settles: readonly Settle[], limit: number): Promise<Settle[]> {
  const claims = limit === 0 ? [] : [{ taskId: "a", limit }];
  const args = { settles, claims, idle: false, leaseMs: LEASE_MS, keep: KEEP };
  const { batches, settled } = await store.work(args);
  expect(settled.map((one) => one !== "lost" && one.state)).toEqual(settles.map(() => "completed"));
  return batches.flatMap(({ fence, taskId, jobs }) =>
    jobs.map(({ number }) => {
      const outcome = { kind: "completed", result: null } as const;
      return { fence, taskId, number, id: null, scheduleId: null, outcome };
    }),
  );
}

test("plain jobs are pushed, claimed and settled with what is usual", async () => {
  await push([job("a")]);
  await push(Array.from({ length: 250 }, () => job("a")));
  const [one, ...first] = await work([], 151);
  const rest = await work(first.splice(0, 70), 100);
  // In another order than they were claimed, from several leases.
  const mixed = [...first, ...rest].filter((_, k) => k % 3 === 0).reverse();
  await work(mixed, 0);
  const left = [...first, ...rest].filter((_, k) => k % 3 !== 0);
  await work([one!, ...left], 10);
  expect(await store.counts({ taskId: "a" })).toMatchObject({ ready: 0, running: 0 });
});

test("whatever else is asked for would be heard of", async () => {
  await expect(push([job("a", { id: "own" })])).rejects.toThrow("is not usual");
});
