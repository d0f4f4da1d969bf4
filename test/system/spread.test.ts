/** Claims about processes that die in the middle of the jobs of a task in several shards. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createScheduler } from "schedule-mq";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startCluster, type TestCluster } from "../support/cluster.js";
import { until } from "../support/until.js";
import { Journal, tally } from "./kit/journal.js";
import { Member } from "./kit/member.js";

const LEASE_MS = 2_000;
const TASK = "hot";
const JOBS = 300;

let cluster: TestCluster;
let folder: string;
const members: Member[] = [];

beforeAll(async () => {
  cluster = await startCluster({ replicas: 0 });
  folder = mkdtempSync(join(tmpdir(), "schedule-mq-spread-"));
}, 60_000);

afterAll(async () => {
  await Promise.all(members.filter(({ alive }) => alive).map((member) => member.kill()));
  await cluster?.stop();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

test("a worker that is killed loses no job of any shard", async () => {
  const journal = new Journal(join(folder, "journal"));
  const options = { redisConfig: cluster.config, lease: LEASE_MS, logger: false } as const;
  const worker = async (): Promise<Member> => {
    const tasks = { [TASK]: { spread: 8, concurrency: 8 } };
    const member = new Member("worker", { scheduler: options, journal: journal.path, tasks });
    members.push(member);
    await member.hears("started");
    return member;
  };
  const second = await worker();
  const pusher = createScheduler(options);
  const names = Array.from({ length: JOBS }, (_, n) => `job ${n}`);
  const items = names.map((name, n) => ({
    data: { name, plan: [200] },
    retry: true,
    retryTimeout: 100,
    ...(n % 2 === 0 ? { id: name } : {}),
  }));
  await pusher.pushMany(TASK, items);
  // Whoever comes now finds jobs in all of the shards, and takes some of each.
  const first = await worker();
  await until("it to work", () => journal.starts({ pid: first.pid }).length >= 8);
  await first.kill();
  const open = journal.starts({ pid: first.pid }).length - journal.ends({ pid: first.pid }).length;
  expect(open).toBeGreaterThan(0);
  const ended = () => new Set(journal.ends().map(({ name }) => name));
  await until("all to have ended", () => ended().size === JOBS, 30_000);
  await until("all to be settled", async () => {
    const { ready, running, scheduled } = await pusher.jobs.counts(TASK);
    return ready + running + scheduled === 0;
  });
  // Only what was under way in the process that died has run again.
  const again = [...tally(journal.starts())].filter(([, times]) => times > 1);
  expect(again.length).toBeLessThanOrEqual(open);
  expect((await pusher.jobs.counts(TASK)).total).toMatchObject({ completed: JOBS, dead: 0 });
  await pusher.stop();
  second.tell("stop");
  expect(await second.ends(15_000)).toEqual({ code: 0, signal: null });
}, 90_000);

test("a handler that blocks the event loop keeps its lease, wherever it is", async () => {
  const journal = new Journal(join(folder, "blocked"));
  const more = { redisPrefix: "blocked:", lease: LEASE_MS, pollInterval: 200 };
  const options = { redisConfig: cluster.config, ...more };
  const blocker = async (): Promise<Member> => {
    const orders = { scheduler: options, journal: journal.path, bind: { spread: 16 } };
    const member = new Member("blocker", orders);
    members.push(member);
    await member.hears("started");
    return member;
  };
  const first = await blocker();
  const pusher = createScheduler({ ...options, logger: false });
  const push = async (name: string, blockMs: number): Promise<void> => {
    const data = { name, blockMs: [blockMs] };
    await pusher.push("task", { id: name, data, retry: true, retryTimeout: 1 });
  };
  const blocked = ["a", "b", "c"];
  for (const name of blocked) {
    await push(name, 3 * LEASE_MS);
    await until("it to begin", () => journal.starts({ name })[0]);
    // What is claimed beside it and cannot begin goes to somebody else.
    if (name === "a") await blocker();
    const short = ["x", "y", "z"].map((other) => name + other);
    for (const other of short) await push(other, 1);
    await until("the others to run", () => short.every((one) => journal.ends({ name: one })[0]));
    await until("it to end", () => journal.ends({ name })[0], 15_000);
  }
  await until("all to be settled", async () => {
    const { ready, running, scheduled } = await pusher.jobs.counts("task");
    return ready + running + scheduled === 0;
  });
  expect([...tally(journal.starts())].filter(([, times]) => times > 1)).toEqual([]);
  expect((await pusher.jobs.counts("task")).total).toMatchObject({ completed: 12, crashes: 0 });
  expect(first.has("lease:lost") || first.has("error")).toBe(false);
  await pusher.stop();
}, 90_000);
