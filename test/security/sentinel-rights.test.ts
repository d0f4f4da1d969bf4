/**
 * What docs/cluster.md says of the users of a server that Sentinels watch: the servers' has the
 * rights of any other, the Sentinels' those that stand there, and both are enough for a failover.
 */
import { Redis } from "ioredis";
import { afterEach, expect, test } from "vitest";
import { createScheduler } from "../../src/index.js";
import { readPage } from "../docs/blocks.js";
import {
  aclWords,
  neededOn,
  PASSWORD,
  published,
  refusedTo,
  USER,
} from "../support/least-rights.js";
import { startWatched } from "../support/sentinels.js";
import { until } from "../support/until.js";

const PREFIX = "rights:";
const WATCHER = "watcher";

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
}, 30_000);

function clientOf(at: { host: string; port: number }): Redis {
  const client = new Redis({ ...at, protocol: 2, retryStrategy: () => 50 });
  client.on("error", () => {});
  endings.push(() => client.disconnect());
  return client;
}

/** What stands on the page after `ACL SETUSER` for Sentinels. */
function ofPage(): string[] {
  const page = readPage("docs/cluster.md");
  const [, words = ""] = /^ACL SETUSER watcher on >\S+ (.*)$/m.exec(page) ?? [];
  return words.split(" ");
}

test("the users of the page are enough, and none of their rights is too many", async () => {
  const watched = await startWatched(1);
  endings.push(() => watched.stop());
  const servers = watched.servers.map(clientOf);
  const sentinels = watched.config.sentinels.map(clientOf);
  const rights = aclWords(neededOn("single"), PREFIX);
  for (const server of servers) {
    await server.call("ACL", "SETUSER", USER, "on", `>${PASSWORD}`, ...rights);
  }
  for (const sentinel of sentinels) {
    await sentinel.call("ACL", "SETUSER", WATCHER, "on", `>${PASSWORD}`, ...ofPage());
  }
  const user = { username: USER, password: PASSWORD };
  const watcher = { sentinelUsername: WATCHER, sentinelPassword: PASSWORD };
  const redisConfig = { ...watched.config, ...user, ...watcher };
  const make = () => {
    const scheduler = createScheduler({ redisConfig, redisPrefix: PREFIX, logger: false });
    scheduler.on("error", () => {});
    endings.push(() => scheduler.stop());
    return scheduler;
  };
  const ran: string[] = [];
  const first = make();
  first.bind("task", (_data, { jobId }) => void ran.push(jobId));
  await first.start({ mustConnect: true });
  await first.push("task", { id: "before" });
  await until("the job to run", () => ran.includes("before"));
  const old = await watched.primaryPort();
  await watched.failover();
  await watched.movedFrom(old);
  await first.push("task", { id: "after" });
  await until("the job to run", () => ran.includes("after"), 10_000);
  const second = make();
  await second.push("task", { id: "by another one" });
  await until("the job to run", () => ran.includes("by another one"));
  const refused = (await Promise.all(servers.map((server) => refusedTo(server)))).flat();
  expect(refused.filter((name) => !published().spare.includes(name))).toEqual([]);
  const ofSentinels = sentinels.map((sentinel) => refusedTo(sentinel, WATCHER));
  expect((await Promise.all(ofSentinels)).flat()).toEqual([]);
  // And none is too many: who lacks one is refused it.
  for (const right of ofPage().filter((word) => word.startsWith("+"))) {
    const change = (sign: string) =>
      ["ACL", "SETUSER", WATCHER, `${sign}${right.slice(1)}`] as const;
    for (const sentinel of sentinels) await sentinel.call(...change("-"));
    void make()
      .push("task")
      .catch(() => {});
    const isRefused = async (): Promise<boolean> => {
      const all = await Promise.all(sentinels.map((sentinel) => refusedTo(sentinel, WATCHER)));
      return all.flat().includes(right.slice(1));
    };
    await until(`${right} to be missed`, isRefused, 10_000);
    for (const sentinel of sentinels) await sentinel.call(...change("+"));
  }
}, 60_000);
