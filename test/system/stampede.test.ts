/**
 * Claims about a hundred schedulers that sleep: what wakes one of them does not wake the others,
 * and those that were killed in their sleep swallow nothing. The polls explain nothing here.
 */
import { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { rowsOf } from "../sqlite/raw.js";
import { until } from "../support/until.js";
import { type Fleet, type WorkerArgs, withFleet } from "./kit/fleet.js";
import { isProbe, monitor, type Seen } from "./kit/monitor.js";
import { KINDS } from "./kit/worlds.js";

const options = { pollInterval: "10m", lease: "60s" } as const;
const PROMPT_MS = 5_000;

const PROCESSES = 4;
const COPIES = 25;

const shown = (seen: readonly Seen[]) => seen.map(({ text }) => text.slice(0, 120)).join("\n");

/** A hundred schedulers in four processes; resolves when all have started. */
async function aHundred(fleet: Fleet, args: WorkerArgs = {}): Promise<void> {
  const members = Array.from({ length: PROCESSES }, () =>
    fleet.launch({ ...args, copies: COPIES }),
  );
  const started = () => members.flatMap(({ messages }) => messages.filter(isStarted)).length;
  await until("a hundred have started", () => started() === PROCESSES * COPIES, 30_000);
}

const isStarted = ({ type }: { type: string }) => type === "started";

/** Resolves when `count` schedulers sleep, as the store knows it. */
async function asleep({ world }: Fleet, count: number): Promise<void> {
  if (world.kind === "sqlite") {
    const { path } = world.options.store as { path: string };
    const sleepers = async () => (await rowsOf(path, "SELECT 1 FROM sleeper")).length;
    await until(`${count} sleepers`, async () => (await sleepers()) === count, 20_000);
    return;
  }
  const { host, port } = world.server;
  const client = new Redis({ host, port });
  try {
    const key = "_schedule_mq:{0}:t:task:sleepers";
    await until(`${count} sleepers`, async () => (await client.scard(key)) === count, 20_000);
  } finally {
    client.disconnect();
  }
}

test("one push to a hundred sleeping schedulers: a handful of commands", () =>
  withFleet({ kind: "redis", options }, async (fleet) => {
    await aHundred(fleet);
    for (let n = 0; n < 3; n += 1) await fleet.push();
    await until("they have run", () => fleet.journal.ends().length === 3);
    await asleep(fleet, 100);
    const { seen, close } = await monitor(fleet.world.server);
    const work = () => seen.filter((one) => !isProbe(one));
    try {
      const before = work().length;
      const id = await fleet.push();
      await until("it is run", () => fleet.journal.ends({ jobId: id })[0]);
      await asleep(fleet, 100);
      const sent = work().slice(before).filter(isOurs);
      expect(sent.length, shown(sent)).toBeLessThanOrEqual(8);
      expect(sent.length).toBeGreaterThanOrEqual(3);
    } finally {
      close();
    }
  }));

/** What the test itself asks while it waits is none of theirs. */
const isOurs = ({ command }: Seen) => ["EVALSHA", "EVAL", "PUBLISH"].includes(command);

test("a cron second that a hundred schedulers registered: a handful of commands", () =>
  withFleet({ kind: "redis", options }, async (fleet) => {
    const every = { taskId: "task", cronExpr: "* * * * * *", timezone: "UTC" };
    await aHundred(fleet, { schedules: [every] });
    await asleep(fleet, 100);
    const { seen, close } = await monitor(fleet.world.server);
    try {
      const before = fleet.journal.ends().length;
      await until("seven", () => fleet.journal.ends().length >= before + 7, 20_000);
      const ours = seen.filter((one) => !isProbe(one) && isOurs(one));
      const seconds = new Map<number, number>();
      for (const { at } of ours) {
        const second = Math.floor((at + 100) / 1_000);
        seconds.set(second, (seconds.get(second) ?? 0) + 1);
      }
      // The first and the last may be there in part only; in one of them they may all register.
      const counts = [...seconds.values()].slice(1, -1);
      counts.sort((a, b) => a - b);
      expect(counts.length).toBeGreaterThanOrEqual(5);
      expect(counts[Math.floor(counts.length / 2)], counts.join(" ")).toBeLessThanOrEqual(16);
    } finally {
      close();
    }
  }));

describe.concurrent.each(KINDS)("on %s", (kind) => {
  test.each([1, 20])("a push when %i of the sleepers were killed wakes a living one", (dead) =>
    withFleet({ kind, options }, async (fleet) => {
      const living = await fleet.worker();
      await asleep(fleet, 1);
      // They fall asleep later: what the store knows of them is younger.
      const victim = fleet.launch({ copies: dead });
      await asleep(fleet, dead + 1);
      await victim.kill();
      for (let n = 0; n < 3; n += 1) {
        const id = await fleet.push();
        await until("the job is run", () => fleet.journal.ends({ jobId: id })[0], PROMPT_MS);
      }
      expect(living.alive).toBe(true);
    }),
  );
});
