/** Schedules: fired once, told, registered again after the store lost its data. */
import { expect, test } from "vitest";
import { createGate, createScene, type Gate, type Member, ofEvent, type Scene } from "./scene.js";

const EVERY_MINUTE = { cronExpr: "* * * * *", timezone: "UTC" };
const MINUTE_MS = 60_000;

/** A store that has forgotten everything: another database under the same scheduler. */
async function forget(from: Scene, member: Member, what: "all" | "some" = "all"): Promise<Member> {
  const scene = createScene();
  scene.clock.jump(from.clock.now() - scene.clock.now());
  const fresh = scene.openStore();
  for (const verb of ["look", "register", "fire", "work", "push"] as const) {
    member.store[verb] = fresh.store[verb].bind(fresh.store) as never;
  }
  member.registrations.forgotten(what);
  return Object.assign(member, { calls: fresh.calls });
}

test("an occurrence fires once, however many schedulers have registered it", async () => {
  const scene = createScene();
  const ran: number[] = [];
  const handler = (_data: unknown, context: { scheduledFor?: number }) =>
    void ran.push(context.scheduledFor ?? 0);
  const schedulers = Array.from({ length: 5 }, () => scene.scheduler().scheduler);
  for (const scheduler of schedulers) {
    scheduler.bind("t", handler as never).register("t", EVERY_MINUTE);
    await scheduler.start();
  }
  const startAt = scene.clock.now();
  await scene.clock.advance(10 * MINUTE_MS + 500);
  expect(ran).toEqual(Array.from({ length: 10 }, (_, n) => startAt + (n + 1) * MINUTE_MS));
  for (const scheduler of schedulers) await scheduler.stop();
});

test("two schedulers that see the same due occurrence at once fire it once", async () => {
  const scene = createScene();
  const a = await scene.member({ register: [["t", EVERY_MINUTE]] });
  const b = await scene.member({ register: [["t", EVERY_MINUTE]] });
  await a.engine.watch.step();
  await b.engine.watch.step();
  await scene.clock.advance(MINUTE_MS);
  // Both have looked before either fires.
  const gates: Gate[] = [];
  for (const member of [a, b]) {
    const gate = createGate();
    gates.push(gate);
    member.before = ({ verb }) => (verb === "fire" ? gate.passed : undefined);
  }
  const steps = [a.engine.watch.step(), b.engine.watch.step()];
  await scene.clock.settle();
  expect([a.count("fire"), b.count("fire")]).toEqual([1, 1]);
  for (const gate of gates) gate.open();
  await Promise.all(steps);
  const fired = [a, b].flatMap((member) => ofEvent(member.told, "schedule:fired"));
  expect(fired).toHaveLength(1);
  expect((await scene.counts("t")).total.pushed).toBe(1);
});

test("a scheduler fires what it registered without binding it, and another runs it", async () => {
  const scene = createScene();
  const firing = scene.scheduler().scheduler;
  const running = scene.scheduler().scheduler;
  let ran = 0;
  firing.register("t", EVERY_MINUTE);
  running.bind("t", () => {
    ran += 1;
  });
  await firing.start();
  await running.start();
  await scene.clock.advance(3 * MINUTE_MS + 500);
  expect(ran).toBe(3);
  await Promise.all([firing.stop(), running.stop()]);
});

test("the handler knows which occurrence it runs for", async () => {
  const scene = createScene();
  const seen: unknown[] = [];
  const member = await scene.member({
    bind: {
      t: (data, { scheduleId, scheduledFor, isCatchup }) =>
        void seen.push({ data, scheduleId, scheduledFor, isCatchup }),
    },
    register: [["t", { ...EVERY_MINUTE, scheduleId: "nightly", data: { n: 1 } }]],
  });
  await member.engine.watch.step();
  await member.engine.pump.step();
  const dueAt = scene.clock.now() + MINUTE_MS;
  await scene.clock.advance(MINUTE_MS);
  await member.engine.watch.step();
  await member.engine.pump.step();
  await scene.clock.settle();
  const expected = { scheduleId: "nightly", scheduledFor: dueAt, isCatchup: false };
  expect(seen).toEqual([{ data: { n: 1 }, ...expected }]);
  expect(ofEvent(member.told, "schedule:fired")).toMatchObject([{ taskId: "t", ...expected }]);
});

test("occurrences that nobody could fire in time are told as missed", async () => {
  const scene = createScene();
  const rule = { ...EVERY_MINUTE, misfire: "skip", misfireAfter: "30s" };
  const member = await scene.member({ register: [["t", rule]] });
  await member.engine.watch.step();
  const firstAt = scene.clock.now() + MINUTE_MS;
  await scene.clock.advance(10 * MINUTE_MS + 40_000);
  await member.engine.watch.step();
  expect(ofEvent(member.told, "schedule:fired")).toEqual([]);
  expect(ofEvent(member.told, "schedule:missed")).toMatchObject([{ count: 10, firstAt }]);
});

test("a schedule of another task by the same id is a conflict, told and never fired", async () => {
  const scene = createScene();
  const first = await scene.member({ register: [["a", { ...EVERY_MINUTE, scheduleId: "s" }]] });
  const second = await scene.member({ register: [["b", { ...EVERY_MINUTE, scheduleId: "s" }]] });
  await first.engine.watch.step();
  await second.engine.watch.step();
  expect(ofEvent(second.told, "schedule:conflict")).toMatchObject([
    { scheduleId: "s", taskId: "b" },
  ]);
  expect(ofEvent(second.told, "error")).toMatchObject([{ code: "ALREADY_REGISTERED" }]);
  await scene.clock.advance(MINUTE_MS);
  await second.engine.watch.step();
  expect(second.count("fire")).toBe(0);
});

test("a definition that cannot be read is told once and does not disturb the others", async () => {
  const scene = createScene();
  const member = await scene.member({
    register: [
      ["bad", EVERY_MINUTE],
      ["good", EVERY_MINUTE],
    ],
  });
  await member.engine.watch.step();
  const look = member.store.look.bind(member.store);
  member.store.look = async (args) => {
    const seen = await look(args);
    for (const due of seen.schedules) if (due.taskId === "bad") due.definition = '{"v":99}';
    return seen;
  };
  await scene.clock.advance(MINUTE_MS);
  await member.engine.watch.step();
  await member.engine.watch.step();
  expect(ofEvent(member.told, "schedule:fired")).toMatchObject([{ scheduleId: "good" }]);
  expect(ofEvent(member.told, "error")).toMatchObject([{ code: "STORE_DAMAGED" }]);
});

test("after the store has lost its data, no occurrence that was fired fires again", async () => {
  const scene = createScene();
  const member = await scene.member({ register: [["t", EVERY_MINUTE]] });
  await member.engine.watch.step();
  await scene.clock.advance(MINUTE_MS);
  await member.engine.watch.step();
  expect(ofEvent(member.told, "schedule:fired")).toHaveLength(1);
  const firedAt = scene.clock.now();
  const fresh = await forget(scene, member);
  await fresh.engine.watch.step();
  const registered = fresh.calls.find((call) => call.verb === "register");
  expect(registered?.args.schedules[0]?.firstAt).toBe(firedAt + MINUTE_MS);
});

test("after the store has lost its data, one seen and not fired still fires", async () => {
  const scene = createScene();
  const member = await scene.member({ register: [["t", EVERY_MINUTE]] });
  await member.engine.watch.step();
  const dueAt = scene.clock.now() + MINUTE_MS;
  await scene.clock.advance(MINUTE_MS);
  member.before = ({ verb }) => {
    if (verb === "fire") throw new Error("gone");
  };
  await expect(member.engine.watch.step()).rejects.toThrow("gone");
  const fresh = await forget(scene, member);
  await fresh.engine.watch.step().catch(() => {});
  const registered = fresh.calls.find((call) => call.verb === "register");
  expect(registered?.args.schedules[0]?.firstAt).toBe(dueAt);
});

test("a store that never heard of a schedule is told where it stood", async () => {
  const scene = createScene();
  const member = await scene.member({ register: [["t", EVERY_MINUTE]] });
  await member.engine.watch.step();
  await scene.clock.advance(MINUTE_MS);
  await member.engine.watch.step();
  const firedAt = scene.clock.now();
  // Nobody is there while one is due.
  await scene.clock.advance(MINUTE_MS + 1);
  const fresh = await forget(scene, member, "some");
  await fresh.engine.watch.step();
  await fresh.engine.watch.step();
  expect(ofEvent(member.told, "schedule:fired").map(({ scheduledFor }) => scheduledFor)).toEqual([
    firedAt,
    firedAt + MINUTE_MS,
  ]);
});

test("many schedules are registered in few calls", async () => {
  const scene = createScene();
  const register = Array.from({ length: 250 }, (_, n): [string, object] => [
    "t",
    { ...EVERY_MINUTE, scheduleId: `s${n}` },
  ]);
  const member = await scene.member({ register });
  await member.engine.watch.step();
  expect(member.count("register")).toBe(5);
  await scene.clock.advance(MINUTE_MS);
  for (let n = 0; n < 4; n += 1) await member.engine.watch.step();
  expect(ofEvent(member.told, "schedule:fired")).toHaveLength(250);
});
