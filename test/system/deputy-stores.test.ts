/**
 * Claims about the thread that renews for an event loop that is blocked, where its way to the
 * server is not the plain one: TLS, a user with few rights, Sentinels and a failover.
 */
import { Redis } from "ioredis";
import { createScheduler, type Scheduler, type SchedulerOptions } from "schedule-mq";
import { expect, test } from "vitest";
import { makeCertificates } from "../support/certificates.js";
import { aclWords, neededOn, PASSWORD, USER } from "../support/least-rights.js";
import { startWatched } from "../support/sentinels.js";
import { freePort } from "../support/servers.js";
import { until } from "../support/until.js";
import { type Fleet, withFleet } from "./kit/fleet.js";
import type { Member } from "./kit/member.js";

const LEASE_MS = 1_500;
const options = { lease: LEASE_MS, pollInterval: 200, logger: false } as const;

interface Scene {
  fleet: Fleet;
  pusher: Scheduler;
  first: Member;
  second: Member;
}

/** Two workers, of which the first computes for so long. */
async function blocked(
  fleet: Fleet,
  redisConfig: NonNullable<SchedulerOptions["redisConfig"]>,
  blockMs: number,
): Promise<Scene> {
  const scheduler: SchedulerOptions = { redisConfig, ...options };
  const worker = async () => {
    const member = fleet.run("blocker", { scheduler, journal: fleet.journal.path });
    await member.hears("started");
    return member;
  };
  const first = await worker();
  const pusher = createScheduler(scheduler);
  await pusher.push("task", { retry: true, retryTimeout: 1, data: { blockMs: [blockMs] } });
  await until("it to begin", () => fleet.journal.starts()[0], 10_000);
  return { fleet, pusher, first, second: await worker() };
}

async function ranOnce({ fleet, pusher, first, second }: Scene): Promise<void> {
  try {
    const counts = () => pusher.jobs.counts("task");
    const isDone = async () => (await counts().catch(() => null))?.total.completed === 1;
    await until("it to be done", isDone, 30_000);
    expect(fleet.journal.starts()).toEqual([expect.objectContaining({ pid: first.pid })]);
    expect(await counts()).toMatchObject({ running: 0, total: { crashes: 0, dead: 0 } });
    expect(first.has("lease:lost") || second.has("lease:lost")).toBe(false);
  } finally {
    await pusher.stop();
  }
}

test("over TLS, as a user with the least rights, a handler that computes runs once", () =>
  withFleet({ kind: "redis", options }, async (fleet) => {
    const { host, port } = fleet.world.server;
    const admin = new Redis({ host, port });
    const { ca, cert, key, serverArgs, remove } = makeCertificates();
    try {
      for (let k = 0; k < serverArgs.length; k += 2) {
        await admin.config("SET", serverArgs[k]!.slice(2), serverArgs[k + 1]!);
      }
      const tlsPort = await freePort();
      await admin.config("SET", "tls-port", String(tlsPort));
      const rights = aclWords(neededOn("single"), "_schedule_mq:");
      await admin.call("ACL", "SETUSER", USER, "on", `>${PASSWORD}`, ...rights);
      const user = { username: USER, password: PASSWORD };
      const redisConfig = { host, port: tlsPort, ...user, tls: { ca, cert, key } };
      const scene = await blocked(fleet, redisConfig, 4 * LEASE_MS);
      const users = async () => {
        const clients = String(await admin.client("LIST"))
          .trim()
          .split("\n");
        return clients.filter((line) => line.includes(` user=${USER} `)).length;
      };
      // Two of each worker, one of the pusher.
      await until("the thread's own connection", async () => (await users()) > 5, 10_000);
      await ranOnce(scene);
    } finally {
      admin.disconnect();
      remove();
    }
  }));

test("through a failover by Sentinels a handler that computes runs once", () =>
  withFleet({ kind: "redis", options }, async (fleet) => {
    const watched = await startWatched();
    try {
      const [primary] = watched.servers;
      const scene = await blocked(fleet, watched.config, 8 * LEASE_MS);
      // What the replicas do not have yet nobody could renew.
      expect(await watched.clientOf(primary!).wait(2, 5_000)).toBe(2);
      await primary!.crash();
      await watched.movedFrom(primary!.port);
      expect(fleet.journal.ends(), "it still computes").toEqual([]);
      await ranOnce(scene);
    } finally {
      await watched.stop();
    }
  }));
