/** Claims about a producer that is faster than its Redis: memory is bounded, and it learns it. */
import { expect, test } from "vitest";
import { until } from "../support/until.js";
import { type Fleet, withFleet } from "./kit/fleet.js";
import type { Member, Message } from "./kit/member.js";

interface Report extends Message {
  heap: number;
  pushed: number;
  fates: Record<string, number>;
  some: Record<string, string[]>;
}

/** A bound on the whole heap: with none on what waits it would be five times as much. */
const HEAP_BYTES = 640e6;

async function wave(flood: Member, count: number): Promise<void> {
  flood.tell("wave");
  const waves = () => flood.messages.filter(({ type }) => type === "waved").length;
  await until(`wave ${count}`, () => waves() === count, 30_000);
}

async function reportOf(flood: Member): Promise<Report> {
  flood.tell("end");
  return (await flood.hears("report", 40_000)) as Report;
}

/** What each push was told is what the store says. */
async function expectTruth(fleet: Fleet, { fates, some, pushed }: Report): Promise<void> {
  const { jobs } = fleet.scheduler;
  const settled = Object.values(fates).reduce((sum, count) => sum + count, 0);
  expect(settled).toBe(pushed);
  const { ready } = await jobs.counts("task");
  const { stored = 0, STORE_NO_ANSWER: unknown = 0 } = fates;
  // One job was pushed before.
  expect(ready - 1).toBeGreaterThanOrEqual(stored);
  expect(ready - 1).toBeLessThanOrEqual(stored + unknown);
  for (const [fate, ids] of Object.entries(some)) {
    if (fate === "STORE_NO_ANSWER") continue;
    const found = await Promise.all(ids.map((id) => jobs.get("task", id)));
    const isThere = found.map((job) => job !== null);
    expect(isThere, fate).toEqual(ids.map(() => fate === "stored"));
  }
}

test("a million pushes at once to a Redis that stands still: the bound's worth is stored", () =>
  withFleet({ kind: "redis", options: { pushTimeout: "30s" } }, async (fleet) => {
    const flood = fleet.run("flood", { pushes: 1_000_000 });
    await flood.hears("started");
    const { pid } = fleet.world.server;
    process.kill(pid, "SIGSTOP");
    await wave(flood, 1);
    process.kill(pid, "SIGCONT");
    const report = await reportOf(flood);
    expect(report.fates.TOO_MANY_PENDING).toBe(900_000);
    expect(report.heap).toBeLessThan(HEAP_BYTES);
    await expectTruth(fleet, report);
  }));

test("pushed on and on while Redis stands still for longer than pushTimeout, nothing grows", () =>
  withFleet({ kind: "redis", options: { pushTimeout: 500 } }, async (fleet) => {
    const options = { maxPending: 20_000 };
    const flood = fleet.run("flood", { pushes: 100_000, more: options });
    await flood.hears("started");
    const { pid } = fleet.world.server;
    process.kill(pid, "SIGSTOP");
    let waves = 0;
    // Until the first calls are given up, those that waited behind them, and some more.
    while (!flood.has("STORE_NO_ANSWER") || !flood.has("STORE_UNREACHABLE")) {
      waves += 1;
      await wave(flood, waves);
    }
    for (let more = 0; more < 10; more += 1) {
      waves += 1;
      await wave(flood, waves);
    }
    process.kill(pid, "SIGCONT");
    const report = await reportOf(flood);
    const { stored = 0, TOO_MANY_PENDING: refused = 0 } = report.fates;
    expect(report.pushed).toBe(waves * 100_000);
    expect(refused).toBeGreaterThan(report.pushed / 2);
    expect(stored).toBeLessThanOrEqual(20_000);
    expect(report.heap).toBeLessThan(HEAP_BYTES);
    await expectTruth(fleet, report);
  }));
