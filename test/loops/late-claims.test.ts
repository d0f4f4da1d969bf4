/** Claims about claims whose answer is read late, as behind an event loop that was blocked. */
import { expect, test } from "vitest";
import { createGate, createScene, listen, ofEvent } from "./scene.js";

const LEASE_MS = 9_000;

/** A scheduler that reads the answer of its first claim after `lateMs`. */
async function lateBy(lateMs: number) {
  const scene = createScene();
  const member = scene.scheduler({ lease: LEASE_MS });
  const { scheduler, calls } = member;
  const told = listen(scheduler);
  const answer = createGate();
  const end = createGate();
  const ran: unknown[] = [];
  let isFirst = true;
  member.after = async ({ verb, args }) => {
    if (verb !== "work" || args.claims.length === 0 || !isFirst) return;
    isFirst = false;
    await answer.passed;
  };
  // Whoever is blocked does not look either.
  member.before = async ({ verb }) => {
    if (verb === "look" && !isFirst) await answer.passed;
  };
  scheduler.bind("t", async (data) => {
    ran.push(data);
    await end.passed;
  });
  await scene.push("t", { data: 1 });
  await scheduler.start();
  await scene.clock.advance(lateMs);
  const settled = () => calls.flatMap(({ verb, args }) => (verb === "work" ? args.settles : []));
  return { ...{ scene, member, scheduler, told, answer, end, ran }, settled };
}

test("what was claimed longer than a lease ago is not begun, but goes back", async () => {
  const { scene, scheduler, told, answer, end, ran, settled } = await lateBy(LEASE_MS);
  answer.open();
  await scene.clock.advance(2_000);
  expect(settled()).toMatchObject([{ outcome: { kind: "handBack" } }]);
  // By another claim.
  expect(ran).toEqual([1]);
  expect(ofEvent(told, "lease:lost")).toEqual([]);
  end.open();
  await scene.clock.advance(1_000);
  expect((await scene.counts("t")).total).toMatchObject({ completed: 1, dead: 0 });
  await scheduler.stop();
});

test("what was taken back meanwhile never begins, and nothing is lost by that", async () => {
  const { scene, scheduler, told, answer, ran } = await lateBy(LEASE_MS);
  const { store } = scene.openStore();
  // The first look notes the silence; each lease has its whole length again from then on.
  for (let looks = 0; looks < 6; looks += 1) {
    const fireable = { taskIds: [], scheduleIds: [] };
    const { expired } = await store.look({ taskIds: [], fireable, registration: null, sleepMs: 1 });
    await store.reap({ leases: expired, random: 0.5, keep: KEEP });
    await scene.clock.advance(LEASE_MS / 4);
  }
  expect((await scene.counts("t")).total.dead).toBe(1);
  answer.open();
  await scene.clock.advance(1_000);
  expect(ran).toEqual([]);
  expect(ofEvent(told, "lease:lost")).toEqual([]);
  await scheduler.stop();
});

test("what its deputy has handed back is no loss to who stops: it never began", async () => {
  const { scene, scheduler, told, answer, ran } = await lateBy(1_000);
  const { store } = scene.openStore();
  const [job] = (await store.list({ taskId: "t", state: "running", cursor: null, limit: 1 })).jobs;
  const { number, fence } = job!;
  const outcome = { kind: "handBack" } as const;
  const settles = [{ taskId: "t", fence: fence!, number, id: null, scheduleId: null, outcome }];
  await store.work({ settles, claims: [], idle: false, leaseMs: LEASE_MS, keep: KEEP });
  const stopping = scheduler.stop();
  answer.open();
  await scene.clock.advance(1_000);
  await stopping;
  expect(ran).toEqual([]);
  expect(ofEvent(told, "lease:lost")).toEqual([]);
  expect((await scene.counts("t")).ready).toBe(1);
});

test("what is late, but not too late, is renewed in time", async () => {
  const { scene, member, scheduler, answer, end, ran } = await lateBy(LEASE_MS - 1_000);
  answer.open();
  await scene.clock.advance(1);
  expect(ran).toEqual([1]);
  expect(member.count("renew")).toBe(1);
  end.open();
  await scene.clock.advance(1_000);
  expect((await scene.counts("t")).total.completed).toBe(1);
  await scheduler.stop();
});

const KEPT = { ageMs: 60_000, count: 10 };
const KEEP = { idMs: 0, idCount: 0, completed: KEPT, dead: KEPT, cancelled: KEPT };
