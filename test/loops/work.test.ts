/** The pump: concurrency, shared calls, fairness, failed calls. */
import { expect, test } from "vitest";
import { SchedulerError } from "../../src/core/errors.js";
import type { Handler } from "../../src/types.js";
import {
  type Call,
  createGate,
  createScene,
  type Gate,
  type Member,
  ofEvent,
  unreachable,
} from "./scene.js";

/** Handlers that run until the test lets them end, and count themselves. */
function gated() {
  const gates: Gate[] = [];
  const ran: unknown[] = [];
  let running = 0;
  let most = 0;
  const handler: Handler = async (data) => {
    const gate = createGate();
    gates.push(gate);
    ran.push(data);
    running += 1;
    most = Math.max(most, running);
    await gate.passed;
    running -= 1;
  };
  return { handler, gates, ran, most: () => most };
}

function claimsOf(member: Member): Call["args"]["claims"][] {
  return member.calls.filter((call) => call.verb === "work").map((call) => call.args.claims);
}

/** Steps until the pump has nothing to do. */
async function pumpDry(member: Member, settle: () => Promise<void>): Promise<void> {
  for (let steps = 0; steps < 1_000; steps += 1) {
    const before = member.count("work");
    await member.engine.pump.step();
    await settle();
    if (member.count("work") === before) return;
  }
  throw new Error("the pump never ran dry");
}

test("no more jobs of a task run at once than its concurrency, and all run", async () => {
  const scene = createScene();
  const { handler, gates, ran, most } = gated();
  const member = await scene.member({ bind: { t: [handler, { concurrency: 3 }] } });
  for (let n = 0; n < 10; n += 1) await scene.push("t", { data: n });
  await member.work();
  expect(ran).toEqual([0, 1, 2]);
  for (let next = 0; next < 10; next += 1) {
    gates[next]?.open();
    await scene.clock.settle();
    // Both lanes at once: what one has asked for, the other must not ask for again.
    await Promise.all([member.engine.pump.step(), member.engine.pump.step()]);
    await scene.clock.settle();
  }
  expect(ran).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(most()).toBe(3);
  expect((await scene.counts("t")).total.completed).toBe(10);
});

test("what one call has asked for is not asked for again by the other", async () => {
  const scene = createScene();
  const { handler, gates, most } = gated();
  const member = await scene.member({ bind: { t: [handler, { concurrency: 3 }] } });
  for (let n = 0; n < 3; n += 1) await scene.push("t");
  await member.work();
  for (let n = 0; n < 9; n += 1) await scene.push("t");
  const answerHeld = createGate();
  member.before = ({ verb }) => (verb === "work" ? answerHeld.passed : undefined);
  gates[0]?.open();
  await scene.clock.settle();
  const first = member.engine.pump.step();
  // A second place becomes free while the first is being asked for.
  gates[1]?.open();
  await scene.clock.settle();
  const second = member.engine.pump.step();
  expect(claimsOf(member).slice(-2)).toMatchObject([[{ limit: 1 }], [{ limit: 1 }]]);
  answerHeld.open();
  await Promise.all([first, second]);
  await scene.clock.settle();
  expect(gates).toHaveLength(5);
  expect(most()).toBe(3);
});

test("the settle of a job shares its call with the claim of the next", async () => {
  const scene = createScene();
  const member = await scene.member({ bind: { t: [() => true, { concurrency: 1 }] } });
  for (let n = 0; n < 20; n += 1) await scene.push("t");
  member.engine.pump.offerAll();
  await pumpDry(member, scene.clock.settle);
  expect((await scene.counts("t")).total.completed).toBe(20);
  const calls = member.calls.filter((call) => call.verb === "work").map((call) => call.args);
  expect(calls[0]).toMatchObject({ settles: [], claims: [{ limit: 1 }] });
  for (const { settles, claims } of calls.slice(1, -1)) {
    expect(settles).not.toEqual([]);
    expect(claims).not.toEqual([]);
  }
});

test("settles of one turn of the event loop share one call", async () => {
  const scene = createScene();
  const { handler, gates } = gated();
  const member = await scene.member({ bind: { t: [handler, { concurrency: 50 }] } });
  for (let n = 0; n < 50; n += 1) await scene.push("t");
  await member.work();
  expect(gates).toHaveLength(50);
  member.calls.length = 0;
  for (const gate of gates) gate.open();
  await scene.clock.settle();
  await pumpDry(member, scene.clock.settle);
  expect(member.calls.map((call) => call.args.settles.length)).toEqual([50]);
});

test("a task that had more stays busy, one that had not is left alone", async () => {
  const scene = createScene();
  const member = await scene.member({ bind: { a: () => true, b: () => true } });
  for (let n = 0; n < 25; n += 1) await scene.push("a");
  await member.work();
  await pumpDry(member, scene.clock.settle);
  const named = claimsOf(member).map((claims) =>
    claims.map((claim: { taskId: string }) => claim.taskId),
  );
  expect(named[0]).toEqual(["a", "b"]);
  expect(named.slice(1).flat()).not.toContain("b");
  expect((await scene.counts("a")).total.completed).toBe(25);
});

test("an offer during a claim is not forgotten when its answer brings nothing", async () => {
  const scene = createScene();
  const member = await scene.member({ bind: { t: () => true } });
  member.after = async ({ verb }) => {
    if (verb !== "work" || member.count("work") > 1) return;
    // The claim has been carried out in vain; now there is a job.
    await scene.push("t");
    member.engine.pump.offer("t");
  };
  member.engine.pump.offer("t");
  await pumpDry(member, scene.clock.settle);
  expect((await scene.counts("t")).total.completed).toBe(1);
});

test("every task gets its turn to be named first", async () => {
  const scene = createScene();
  const bind = Object.fromEntries(["a", "b", "c"].map((id) => [id, [() => true, {}] as never]));
  const member = await scene.member({ bind });
  for (let n = 0; n < 60; n += 1) await scene.push("abc"[n % 3] ?? "a");
  member.engine.pump.offerAll();
  await pumpDry(member, scene.clock.settle);
  const firsts = claimsOf(member).flatMap((claims) => claims[0]?.taskId ?? []);
  expect(firsts.slice(0, 3).sort()).toEqual(["a", "b", "c"]);
});

test("a call that failed loses nothing: settles go again, and claims too", async () => {
  const scene = createScene();
  const member = await scene.member({ bind: { t: [() => true, { concurrency: 2 }] } });
  for (let n = 0; n < 6; n += 1) await scene.push("t");
  await member.work();
  member.before = () => {
    throw unreachable();
  };
  await expect(member.engine.pump.step()).rejects.toThrow("cut off");
  await expect(member.engine.pump.step()).rejects.toThrow("cut off");
  expect((await scene.counts("t")).running).toBe(2);
  member.before = () => {};
  await pumpDry(member, scene.clock.settle);
  expect((await scene.counts("t")).total.completed).toBe(6);
  expect(ofEvent(member.told, "lease:lost")).toEqual([]);
});

test("a settle that the store refuses holds up neither the others nor the claims", async () => {
  const scene = createScene();
  const member = await scene.member({ bind: { t: [(data) => data, { concurrency: 4 }] } });
  for (let n = 0; n < 12; n += 1) await scene.push("t", { data: n === 1 ? "poison" : n });
  let poison = "";
  member.engine.pump.offerAll();
  member.before = ({ verb, args }) => {
    if (verb !== "work") return;
    for (const { number } of args.settles) {
      if (number === poison) throw new SchedulerError("STORE_REFUSED", "not this one");
    }
  };
  await member.engine.pump.step();
  const second = member.engine.leases.all()[1];
  poison = second?.job.number ?? "";
  for (let steps = 0; steps < 60; steps += 1) {
    await member.engine.pump.step().catch(() => {});
    await scene.clock.settle();
  }
  expect((await scene.counts("t")).total.completed).toBe(11);
  poison = "";
  await pumpDry(member, scene.clock.settle);
  expect((await scene.counts("t")).total.completed).toBe(12);
});

test("a result that comes after the lease was reaped is refused, and that is told", async () => {
  const scene = createScene();
  const { handler, gates } = gated();
  const slow = await scene.member({ bind: { t: handler } });
  const other = await scene.member();
  const id = await scene.push("t", { retry: true, retryTimeout: 60_000 });
  await slow.work();
  await other.engine.watch.step();
  for (let n = 0; n < 4; n += 1) {
    await scene.clock.advance(3_000);
    await other.engine.watch.step();
  }
  expect((await scene.get("t", id))?.state).toBe("scheduled");
  gates[0]?.open();
  await scene.clock.settle();
  await slow.engine.pump.step();
  expect(ofEvent(slow.told, "lease:lost")).toMatchObject([{ jobId: id, attempt: 1 }]);
  expect(ofEvent(slow.told, "job:completed")).toEqual([]);
  expect((await scene.get("t", id))?.state).toBe("scheduled");
  expect(slow.engine.leases.size).toBe(0);
});

test("at most two calls are in flight, however much there is to do", async () => {
  const scene = createScene();
  const recorded = scene.scheduler();
  let inFlight = 0;
  let most = 0;
  recorded.before = ({ verb }) => {
    if (verb !== "work") return;
    inFlight += 1;
    most = Math.max(most, inFlight);
  };
  recorded.after = async ({ verb }) => {
    if (verb !== "work") return;
    for (let turn = 0; turn < 3; turn += 1) {
      await new Promise<void>((resolve) => scene.clock.endOfTurn(resolve));
    }
    inFlight -= 1;
  };
  const turns: Handler = async (data) => {
    for (let turn = 0; turn < (data as number); turn += 1) {
      await new Promise<void>((resolve) => scene.clock.endOfTurn(resolve));
    }
  };
  for (const id of ["a", "b", "c", "d"]) {
    recorded.scheduler.bind(id, turns, { concurrency: 5 });
    for (let n = 0; n < 50; n += 1) await scene.push(id, { data: n % 7 });
  }
  await recorded.scheduler.start();
  await scene.clock.advance(5_000);
  const all = await Promise.all(["a", "b", "c", "d"].map((id) => scene.counts(id)));
  expect(all.map((counts) => counts.total.completed)).toEqual([50, 50, 50, 50]);
  expect(most).toBe(2);
  await recorded.scheduler.stop();
});

test("what arrives after claiming was stopped is handed back unspent, retry or not", async () => {
  const scene = createScene();
  const ran: unknown[] = [];
  const member = await scene.member({ bind: { t: (data) => void ran.push(data) } });
  const ids = [
    await scene.push("t", { data: "first" }),
    await scene.push("t", { data: "second", retry: true }),
  ];
  member.after = ({ verb }) => {
    if (verb === "work") member.engine.pump.stopClaiming();
  };
  member.engine.pump.offerAll();
  await pumpDry(member, scene.clock.settle);
  expect(ran).toEqual([]);
  for (const id of ids) {
    const job = await scene.get("t", id);
    expect(job).toMatchObject({ state: "ready", counts: { handOffs: 1, failures: 0, crashes: 0 } });
  }
  expect(member.engine.pump.quiet).toBe(true);
});
