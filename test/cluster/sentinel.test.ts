/**
 * Claims about a server that Sentinels watch: a failover under load, and an old primary that is cut
 * off. It is cut off by SIGSTOP: it hears nothing, and comes back as if no time had passed.
 */
import { afterEach, beforeEach, expect, test } from "vitest";
import { startWatched, type Watched } from "../support/sentinels.js";
import type { TestServer } from "../support/servers.js";
import { until } from "../support/until.js";
import { Load } from "./load.js";

/** What was acknowledged this long before a crash may not have been replicated. */
const LAG_MS = 1_000;

let watched: Watched;
let load: Load;

beforeEach(async () => {
  watched = await startWatched();
  load = new Load(watched.config);
}, 60_000);

afterEach(async () => {
  for (const { pid } of watched.servers) {
    try {
      process.kill(pid, "SIGCONT");
    } catch {
      // killed by the test
    }
  }
  await load.stop();
  await watched.stop();
}, 60_000);

async function primary(): Promise<TestServer> {
  const port = await watched.primaryPort();
  return watched.servers.find((server) => server.port === port) as TestServer;
}

/** How many connections of ours a server has. */
async function ours(server: TestServer): Promise<number> {
  const list = String(await watched.clientOf(server).call("CLIENT", "LIST"));
  return list.split("\n").filter((line) => line.includes("name=schedule-mq")).length;
}

test("a primary killed with SIGKILL costs no acknowledged push that its replicas had", async () => {
  await load.begin();
  const old = await primary();
  const killedAt = performance.now();
  await old.crash();
  await watched.movedFrom(old.port);
  await load.allRanSince(performance.now(), 5_000);
  await load.finishPushing();
  const inLag = (id: string) => {
    const at = load.acknowledged.get(id) ?? 0;
    return at > killedAt - LAG_MS && at <= killedAt;
  };
  await load.drained(inLag);
  expect(load.missing().length).toBeLessThanOrEqual(load.taskIds.length);
}, 60_000);

test("a Sentinel that says nothing keeps nobody from finding the primary", async () => {
  // The first that is asked; the two others are a majority.
  const [silent = 0] = watched.sentinelPids.slice(-1);
  const sentinels = watched.config.sentinels.toReversed();
  load = new Load({ ...watched.config, sentinels });
  process.kill(silent, "SIGSTOP");
  try {
    await load.begin();
    const old = await primary();
    await old.crash();
    await watched.movedFrom(old.port);
    await load.allRanSince(performance.now(), 5_000);
  } finally {
    process.kill(silent, "SIGCONT");
  }
}, 60_000);

test("an old primary that was cut off acknowledges nothing to whoever moved on", async () => {
  await load.begin();
  const old = await primary();
  const stoppedAt = performance.now();
  process.kill(old.pid, "SIGSTOP");
  await watched.movedFrom(old.port);
  await load.allRanSince(performance.now(), 5_000);
  process.kill(old.pid, "SIGCONT");
  const isReplica = async () => {
    const info = await watched
      .clientOf(old)
      .info("replication")
      .catch(() => "");
    return info.includes("role:slave");
  };
  await until("the old primary to follow the new one", isReplica, 20_000);
  await load.allRanSince(performance.now(), 5_000);
  await load.finishPushing();
  // What was acknowledged after the stop is all on the new primary; before it, but for the lag.
  await load.drained((id) => {
    const at = load.acknowledged.get(id) ?? 0;
    return at > stoppedAt - LAG_MS && at <= stoppedAt;
  });
  await until("all to have left the old primary", async () => (await ours(old)) === 0, 10_000);
}, 60_000);

test("a client on a demoted primary leaves it and asks the Sentinels again", async () => {
  await load.begin();
  const old = await primary();
  expect(await ours(old)).toBeGreaterThan(0);
  const beganAt = performance.now();
  await watched.failover();
  const heir = await watched.movedFrom(old.port);
  await load.allRanSince(performance.now(), 5_000);
  await until("all to have left the old primary", async () => (await ours(old)) === 0, 10_000);
  const leftAt = performance.now();
  await until("all to be at the new primary", async () => (await ours(heir)) > 0, 5_000);
  await load.finishPushing();
  // Between the promotion and the news of it the old one still takes writes, and drops them.
  await load.drained((id) => {
    const at = load.acknowledged.get(id) ?? 0;
    return at > beganAt - LAG_MS && at <= leftAt;
  });
  expect(leftAt - beganAt).toBeLessThan(8_000);
}, 60_000);
