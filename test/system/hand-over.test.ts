/** Claims about jobs that a push hands to a process which then does not run them. */
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { until } from "../support/until.js";
import { type Fleet, withFleet } from "./kit/fleet.js";

const POLL_MS = 500;
/** How long a lease stands that nobody confirms. */
const HANDED_MS = 2_000;
/** For a busy machine. */
const SLACK_MS = 2_000;
const options = { pollInterval: POLL_MS, lease: "60s" } as const;

/** Runs one job after the other until one is handed over: somebody sleeps then. */
async function falls(fleet: Fleet): Promise<void> {
  const id = await fleet.push({ retry: true });
  await until("the first job is run", () => fleet.journal.starts({ jobId: id })[0], 5_000);
  const counts = () => fleet.scheduler.jobs.counts("task");
  await until("it has ended", async () => (await counts()).running === 0);
}

test.each([true, false])(
  "a job handed to a process that never hears of it is run by another, once (killed: %s)",
  (isKilled) =>
    withFleet({ kind: "redis", options }, async (fleet) => {
      const first = await fleet.worker();
      await falls(fleet);
      const { jobs } = fleet.scheduler;
      // Asleep again it cannot be seen from here: the state of a job says to whom it went.
      const handed = async () => {
        first.signal("SIGSTOP");
        const id = await fleet.push({ retry: true });
        if ((await jobs.get("task", id))?.state === "running") return id;
        first.signal("SIGCONT");
        await until("it is run", () => fleet.journal.ends({ jobId: id })[0], 5_000);
        return null;
      };
      const id = await until("a job is handed over", handed, 10_000);
      const pushedAt = Date.now();
      if (isKilled) await first.kill();
      else first.expectDeath();
      const second = await fleet.worker();
      const limitMs = HANDED_MS + POLL_MS + SLACK_MS;
      const start = await until(
        "another runs it",
        () => fleet.journal.starts({ jobId: id })[0],
        10_000,
      );
      expect(start).toMatchObject({ pid: second.pid, attempt: 1 });
      expect(start.at - pushedAt).toBeLessThan(limitMs);
      await until("nothing runs", async () => (await jobs.counts("task")).running === 0);
      expect(fleet.journal.starts({ jobId: id })).toHaveLength(1);
      expect((await jobs.counts("task")).total).toMatchObject({ crashes: 0, dead: 0 });
    }),
);

test("a job that kills its process as soon as it begins is a crash, handed over or not", () =>
  withFleet({ kind: "redis", options: { ...options, lease: "1s" } }, async (fleet) => {
    const first = await fleet.worker();
    await falls(fleet);
    await sleeps(fleet);
    first.expectDeath();
    const id = await fleet.push({ retry: true, data: { plan: ["kill", "note"] } });
    await first.exit;
    const second = await fleet.worker();
    await until("it is run", () => fleet.journal.ends({ jobId: id })[0], 10_000);
    const pids = fleet.journal.starts({ jobId: id }).map(({ pid, attempt }) => [pid, attempt]);
    expect(pids).toEqual([
      [first.pid, 1],
      [second.pid, 2],
    ]);
  }));

/** The only worker waits to be handed something. */
async function sleeps({ world: { server } }: Fleet): Promise<void> {
  const client = new Redis({ host: server.host, port: server.port });
  try {
    const key = "_schedule_mq:{0}:t:task:sleepers";
    await until("somebody sleeps", async () => (await client.scard(key)) > 0, 10_000);
  } finally {
    client.disconnect();
  }
}
