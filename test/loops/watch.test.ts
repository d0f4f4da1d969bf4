/** The look: how often, when woken, after outages. */
import { expect, test } from "vitest";
import { createGate, createScene, unreachable } from "./scene.js";

const POLL_MS = 1_000;

test("fifty bound tasks are one look, and claims name only those with work", async () => {
  const scene = createScene();
  const ids = Array.from({ length: 50 }, (_, n) => `task-${n}`);
  const bind = Object.fromEntries(ids.map((id) => [id, () => true]));
  const member = await scene.member({ bind });
  await member.work();
  member.calls.length = 0;
  await scene.push("task-7");
  await scene.push("task-31");
  await member.engine.watch.step(); // the first one also heals, by claiming of all
  await member.engine.pump.step();
  await scene.clock.settle();
  await member.engine.pump.step();
  member.calls.length = 0;
  await scene.push("task-7");
  await scene.push("task-31");
  await member.engine.watch.step();
  await member.engine.pump.step();
  expect(member.calls.map((call) => call.verb)).toEqual(["look", "work"]);
  expect(member.calls[0]?.args.taskIds).toHaveLength(50);
  const claimed = member.calls[1]?.args.claims.map((claim: { taskId: string }) => claim.taskId);
  expect(claimed.sort()).toEqual(["task-31", "task-7"]);
});

test("an idle scheduler looks once per pollInterval and does nothing else", async () => {
  const scene = createScene();
  const { scheduler, calls, count } = scene.scheduler({ pollInterval: POLL_MS });
  for (let n = 0; n < 50; n += 1) scheduler.bind(`task-${n}`, () => true);
  await scheduler.start();
  await scene.clock.advance(10_000);
  calls.length = 0;
  await scene.clock.advance(20 * POLL_MS);
  expect(calls.map((call) => call.verb)).toEqual(Array(20).fill("look"));
  expect(count("look")).toBe(20);
  await scheduler.stop();
});

test("a push wakes an idle scheduler at once, without time passing", async () => {
  const scene = createScene();
  const { scheduler } = scene.scheduler({ pollInterval: "1h" });
  const ran: unknown[] = [];
  scheduler.bind("t", (data) => void ran.push(data));
  await scheduler.start();
  await scene.clock.advance(100);
  for (let n = 0; n < 5; n += 1) {
    await scene.push("t", { data: n });
    // Looks that only prepare for the next wake keep a gap of a few ms.
    await scene.clock.advance(10);
  }
  expect(ran).toEqual([0, 1, 2, 3, 4]);
  await scheduler.stop();
});

test("a delayed job runs when it is due, not at the next poll, and never before", async () => {
  const scene = createScene();
  const { scheduler } = scene.scheduler({ pollInterval: "1h" });
  const ranAt: number[] = [];
  scheduler.bind("t", () => void ranAt.push(scene.clock.monotonic()));
  await scheduler.start();
  await scene.clock.advance(100);
  await scene.push("t", { delay: 333 });
  await scene.clock.advance(332);
  expect(ranAt).toEqual([]);
  await scene.clock.advance(5);
  expect(ranAt).toHaveLength(1);
  expect(ranAt[0]).toBeGreaterThanOrEqual(433);
  await scheduler.stop();
});

test("a delayed job is claimed when it is due, without a look before", async () => {
  const scene = createScene();
  const { scheduler, calls } = scene.scheduler({ pollInterval: "1h" });
  const ran: unknown[] = [];
  scheduler.bind("t", (data) => void ran.push(data));
  await scheduler.start();
  await scene.clock.advance(100);
  await scene.push("t", { data: "later", delay: 500 });
  await scene.clock.advance(400);
  calls.length = 0;
  await scene.clock.advance(100);
  expect(calls[0]).toMatchObject({ verb: "work", args: { claims: [{ taskId: "t" }] } });
  expect(ran).toEqual(["later"]);
  await scheduler.stop();
});

test("a wake that names a task goes to the pump without a look", async () => {
  const scene = createScene();
  const { scheduler, calls } = scene.scheduler();
  scheduler.bind("t", () => true);
  await scheduler.start();
  await scene.clock.advance(100);
  calls.length = 0;
  await scene.push("t");
  await scene.clock.settle();
  expect(calls[0]?.verb).toBe("work");
  expect(calls[0]?.args.claims).toMatchObject([{ taskId: "t" }]);
  await scheduler.stop();
});

test("a call of the pump during a look calls for another look soon", async () => {
  const scene = createScene();
  const member = await scene.member({ bind: { a: () => true, b: () => true } });
  await member.work();
  const answerHeld = createGate();
  member.after = ({ verb }) => (verb === "look" ? answerHeld.passed : undefined);
  const looking = member.engine.watch.step();
  await scene.clock.settle();
  member.engine.pump.offer("a");
  await member.engine.pump.step();
  answerHeld.open();
  expect(await looking).toBeLessThanOrEqual(5);
  expect(await member.engine.watch.step()).toBe(POLL_MS);
});

test("a full task is not looked for, and claims again as soon as it has room", async () => {
  const scene = createScene();
  let finish = (): void => {};
  const handler = (data: unknown) =>
    data === "slow"
      ? new Promise<void>((resolve) => {
          finish = resolve;
        })
      : true;
  const member = await scene.member({ bind: { t: [handler, { concurrency: 1 }] } });
  await scene.push("t", { data: "slow" });
  await member.work();
  await scene.push("t", { data: "next" });
  await member.engine.watch.step();
  expect(member.calls.at(-1)).toMatchObject({ verb: "look", args: { taskIds: [] } });
  finish();
  await scene.clock.settle();
  await member.engine.pump.step();
  expect(member.calls.at(-1)?.args).toMatchObject({
    settles: [{ outcome: { kind: "completed" } }],
    claims: [{ taskId: "t" }],
  });
  await scene.clock.settle();
  await member.engine.pump.step();
  expect((await scene.counts("t")).total.completed).toBe(2);
});

test("at the start and in doubt every task counts as having work, whatever hints say", async () => {
  const scene = createScene();
  const member = await scene.member({ bind: { a: () => true, b: () => true } });
  const round = async () => {
    await member.engine.watch.step();
    await member.engine.pump.step();
  };
  await round();
  await round();
  expect(member.count("work")).toBe(1);
  member.engine.watch.doubt();
  await round();
  await round();
  expect(member.count("work")).toBe(2);
  expect(member.calls.findLast(({ verb }) => verb === "work")?.args.claims).toHaveLength(2);
});

test("work that others always take first does not make a scheduler spin", async () => {
  const scene = createScene();
  const recorded = scene.scheduler({ pollInterval: POLL_MS });
  // A store that says that there is work, and never gives any.
  const look = recorded.store.look.bind(recorded.store);
  recorded.store.look = async (args) => ({ ...(await look(args)), taskIds: [...args.taskIds] });
  recorded.scheduler.bind("t", () => true);
  await recorded.scheduler.start();
  await scene.clock.advance(1_000);
  recorded.calls.length = 0;
  await scene.clock.advance(10_000);
  // Noted twice each, by the recorder and by the store that lies.
  expect(recorded.count("look")).toBeGreaterThan(10);
  expect(recorded.count("look")).toBeLessThanOrEqual(24);
  await recorded.scheduler.stop();
});

test("after an outage work goes on within a second of the store's return", async () => {
  const scene = createScene();
  const recorded = scene.scheduler();
  const ran: unknown[] = [];
  recorded.scheduler.bind("t", (data) => void ran.push(data));
  await recorded.scheduler.start();
  recorded.before = () => {
    throw unreachable();
  };
  await scene.clock.advance(600_000);
  await scene.push("t", { data: "meanwhile" });
  await scene.clock.advance(5_000);
  expect(ran).toEqual([]);
  recorded.before = () => {};
  await scene.clock.advance(1_100);
  expect(ran).toEqual(["meanwhile"]);
  await recorded.scheduler.stop();
});
