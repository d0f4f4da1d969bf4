/** Prefetch: jobs that are claimed before a slot is free, and what bounds it. */
import { expect, test } from "vitest";
import { GATHER_MS } from "../../src/loops/gather.js";
import { LONGEST_WAIT_MS, Pace } from "../../src/loops/pace.js";
import type { Handler } from "../../src/types.js";
import { createGate, createScene, type Gate, type Member, ofEvent, type Scene } from "./scene.js";

const RETRY = { retry: true };

async function pushAll(scene: Scene, count: number, options: object = RETRY): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) ids.push(await scene.push("t", { data: n, ...options }));
  return ids;
}

/** Steps until the pump has nothing to do, and gathers nothing any more. */
async function pumpDry(scene: Scene, member: Member): Promise<void> {
  for (let before = -1; before !== member.count("work"); ) {
    before = member.count("work");
    const restMs = await member.engine.pump.step();
    if (restMs > 0 && restMs <= GATHER_MS) await scene.clock.advance(restMs);
    await member.engine.pump.step();
    await scene.clock.settle();
  }
}

/** A scheduler whose handlers were quick so far, and from now on wait for their gates. */
async function warm(scene: Scene, { concurrency = 1 } = {}) {
  const gates: Gate[] = [];
  const ran: unknown[] = [];
  let isQuick = true;
  const handler: Handler = async (data) => {
    ran.push(data);
    if (isQuick) return;
    const gate = createGate();
    gates.push(gate);
    await gate.passed;
  };
  const member = await scene.member({ bind: { t: [handler, { concurrency }] } });
  await pushAll(scene, 20);
  member.engine.pump.offerAll();
  await pumpDry(scene, member);
  expect(ran).toHaveLength(20);
  ran.length = 0;
  isQuick = false;
  return { member, gates, ran };
}

test("a task of which nothing is known gets no more jobs than it can run", () => {
  const pace = new Pace();
  expect(pace.ahead(10, false)).toBe(0);
  for (let n = 0; n < 7; n += 1) pace.note(0.01);
  expect(pace.ahead(10, false)).toBe(0);
  pace.note(0.01);
  expect(pace.ahead(10, false)).toBe(600);
});

test("each time that a job had to wait too long, twice as many have to be quick before", () => {
  const pace = new Pace();
  const quick = (count: number): number => {
    for (let n = 0; n < count; n += 1) pace.note(0.01);
    return pace.ahead(10, false);
  };
  expect(quick(8)).toBe(600);
  pace.forget();
  expect([quick(15), quick(1)]).toEqual([0, 600]);
  pace.forget();
  expect([quick(31), quick(1)]).toEqual([0, 600]);
  // What held for long is believed as at first.
  quick(32 * 4);
  pace.forget();
  expect([quick(15), quick(1)]).toEqual([0, 600]);
});

test.each([
  ["the shortest handlers", 0.001, 1, 600],
  ["very short handlers", 0.01, 1, 500],
  ["handlers of half a millisecond", 0.5, 1, 10],
  ["handlers of 5 ms, a hundred at once", 5, 100, 100],
  ["handlers of 5 ms, one at a time", 5, 1, 1],
  ["slow handlers", 11, 100, 0],
])("%s get what lasts for about 5 ms", (_name, durationMs, concurrency, ahead) => {
  const pace = new Pace();
  for (let n = 0; n < 8; n += 1) pace.note(durationMs);
  expect(pace.ahead(concurrency, false)).toBe(ahead);
});

test("retry-off jobs stand ready only behind handlers under a millisecond", () => {
  const pace = new Pace();
  for (let n = 0; n < 8; n += 1) pace.note(0.9);
  expect(pace.ahead(10, true)).toBeGreaterThan(0);
  // Fewer of them: those that are claimed when their process dies are dead.
  expect([pace.ahead(1_000, true), pace.ahead(1_000, false)]).toEqual([400, 600]);
  for (let n = 0; n < 8; n += 1) pace.note(1.5);
  expect(pace.ahead(10, true)).toBe(0);
  expect(pace.ahead(10, false)).toBeGreaterThan(0);
});

test("no more handlers run at once than the concurrency, however many jobs wait", async () => {
  const scene = createScene();
  const { member, gates, ran } = await warm(scene, { concurrency: 2 });
  await pushAll(scene, 10);
  member.engine.pump.offerAll();
  await pumpDry(scene, member);
  expect((await scene.counts("t")).running).toBe(10);
  expect(ran).toEqual([0, 1]);
  gates[0]?.open();
  await scene.clock.settle();
  expect(ran).toEqual([0, 1, 2]);
  expect(member.engine.pump.running).toBe(2);
});

test("a job that waited 10 ms behind a slow handler goes back to its place in line", async () => {
  const scene = createScene();
  const { member, gates, ran } = await warm(scene);
  const ids = await pushAll(scene, 5);
  member.engine.pump.offerAll();
  await pumpDry(scene, member);
  await scene.clock.advance(LONGEST_WAIT_MS);
  await pumpDry(scene, member);
  expect(await scene.counts("t")).toMatchObject({ running: 1, ready: 4 });
  expect(await scene.get("t", ids[1] ?? "")).toMatchObject({
    state: "ready",
    counts: { crashes: 0, handOffs: 1 },
  });
  // The handlers are slow now: nothing is claimed ahead again until several have been quick.
  gates[0]?.open();
  await scene.clock.settle();
  await pumpDry(scene, member);
  expect(ran).toEqual([0, 1]);
  expect(await scene.counts("t")).toMatchObject({ running: 1, ready: 3 });
});

test("a job that is cancelled while it waits is never begun", async () => {
  const scene = createScene();
  const { member, gates, ran } = await warm(scene);
  const ids = await pushAll(scene, 3);
  member.engine.pump.offerAll();
  await pumpDry(scene, member);
  const { store } = scene.openStore();
  await store.cancel({ taskId: "t", id: ids[1] ?? "" });
  await member.engine.renew.step();
  gates[0]?.open();
  await scene.clock.settle();
  await pumpDry(scene, member);
  expect(ran).toEqual([0, 2]);
  expect((await scene.get("t", ids[1] ?? ""))?.state).toBe("cancelled");
});

test("a few settles wait a moment for others while enough stands ready", async () => {
  const scene = createScene();
  const { member, gates } = await warm(scene, { concurrency: 2 });
  await pushAll(scene, 8);
  member.engine.pump.offerAll();
  await pumpDry(scene, member);
  const before = member.count("work");
  gates[0]?.open();
  await scene.clock.settle();
  const restMs = await member.engine.pump.step();
  expect(restMs).toBeGreaterThan(0);
  expect(restMs).toBeLessThanOrEqual(GATHER_MS);
  gates[1]?.open();
  await scene.clock.advance(restMs);
  await member.engine.pump.step();
  expect(member.count("work")).toBe(before + 1);
  expect(member.calls.at(-1)?.args.settles).toHaveLength(2);
  for (let n = 2; n < 8; n += 1) {
    gates[n]?.open();
    await scene.clock.settle();
  }
  // Nothing runs and nothing waits: there is nothing to gather for.
  await member.engine.pump.step();
  await member.engine.pump.step();
  expect((await scene.counts("t")).running).toBe(0);
});

test("a scheduler that stops hands back at once what has not begun", async () => {
  const scene = createScene();
  const { member, gates } = await warm(scene);
  await pushAll(scene, 5);
  member.engine.pump.offerAll();
  await pumpDry(scene, member);
  member.engine.pump.stopClaiming();
  await pumpDry(scene, member);
  expect(await scene.counts("t")).toMatchObject({ running: 1, ready: 4 });
  expect(member.engine.pump.quiet).toBe(false);
  gates[0]?.open();
  await scene.clock.settle();
  await pumpDry(scene, member);
  expect(member.engine.pump.quiet).toBe(true);
  expect(ofEvent(member.told, "job:dead")).toEqual([]);
});

test("jobs whose lease was lost while they waited are not begun, and not settled", async () => {
  const scene = createScene();
  const { member, gates, ran } = await warm(scene);
  await pushAll(scene, 4);
  member.engine.pump.offerAll();
  await pumpDry(scene, member);
  const [lease] = member.engine.leases.refs();
  for (const attempt of member.engine.leases.attemptsOf([lease!])) attempt.lose();
  gates[0]?.open();
  await scene.clock.settle();
  const before = member.count("work");
  await pumpDry(scene, member);
  expect(ran).toEqual([0]);
  const calls = member.calls.filter((call) => call.verb === "work").slice(before);
  expect(calls.flatMap((call) => call.args.settles)).toEqual([]);
});

test("retry-off jobs are handed back at once when the handlers are not very short", async () => {
  const scene = createScene();
  const handler: Handler = () => new Promise<void>((resolve) => void scene.clock.after(4, resolve));
  const member = await scene.member({ bind: { t: [handler, { concurrency: 2 }] } });
  await pushAll(scene, 12);
  member.engine.pump.offerAll();
  for (let n = 0; n < 6; n += 1) {
    await pumpDry(scene, member);
    await scene.clock.advance(4);
  }
  await pumpDry(scene, member);
  await pushAll(scene, 6, {});
  member.engine.pump.offerAll();
  await pumpDry(scene, member);
  expect(await scene.counts("t")).toMatchObject({ running: 2, ready: 4 });
});
