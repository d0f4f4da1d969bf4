/** A burst and schedulers that sleep: who is woken first does not take what others could run. */
import { expect, test } from "vitest";
import type { Handler } from "../../src/types.js";
import { createGate, createScene, type Scene } from "./scene.js";

const OPTIONS = { pollInterval: "10m", lease: "1h" };
const DATA = (count: number) => Array.from({ length: count }, (_, n) => ({ data: n }));

/** Schedulers that sleep; each counts what it has begun, and its handlers wait for the gate. */
async function asleep(scene: Scene, concurrencies: readonly number[]) {
  const gate = createGate();
  const begun = concurrencies.map(() => 0);
  const fleet = concurrencies.map((concurrency, k) => {
    const handler: Handler = async () => {
      begun[k] = (begun[k] ?? 0) + 1;
      await gate.passed;
    };
    const member = scene.scheduler(OPTIONS);
    member.scheduler.bind("t", handler, { concurrency });
    return member;
  });
  await Promise.all(fleet.map(({ scheduler }) => scheduler.start()));
  await scene.clock.settle();
  const stop = async (): Promise<void> => {
    gate.open();
    await Promise.all(fleet.map(({ scheduler }) => scheduler.stop()));
  };
  return { fleet, begun, gate, stop };
}

test("a burst of twenty is shared evenly among four that sleep", async () => {
  const scene = createScene();
  const { fleet, begun, stop } = await asleep(scene, [10, 10, 10, 10]);
  await fleet[0]?.scheduler.pushMany("t", DATA(20));
  await scene.clock.settle();
  expect(begun).toEqual([5, 5, 5, 5]);
  await stop();
});

test("what others have no room for is taken a moment later, by whoever left it", async () => {
  const scene = createScene();
  const { fleet, begun, stop } = await asleep(scene, [20, 1, 1, 1]);
  await fleet[0]?.scheduler.pushMany("t", DATA(20));
  await scene.clock.settle();
  await scene.clock.advance(10);
  expect(begun).toEqual([17, 1, 1, 1]);
  await stop();
});

test("what is left for one that hears nothing is taken a moment later", async () => {
  const scene = createScene();
  const { fleet, begun, stop } = await asleep(scene, [20, 20]);
  const gate = createGate();
  const claimers = new Set<object>();
  for (const member of fleet) {
    member.before = ({ verb }) => {
      if (verb === "work") claimers.add(member);
      return verb === "work" && [...claimers].indexOf(member) === 1 ? gate.passed : undefined;
    };
  }
  await fleet[0]?.scheduler.pushMany("t", DATA(20));
  await scene.clock.settle();
  expect(begun.toSorted()).toEqual([0, 10]);
  await scene.clock.advance(10);
  expect(begun.toSorted()).toEqual([0, 20]);
  gate.open();
  await stop();
});

test("one that is alone takes all at once", async () => {
  const scene = createScene();
  const { fleet, begun, stop } = await asleep(scene, [20]);
  await fleet[0]?.scheduler.pushMany("t", DATA(20));
  await scene.clock.settle();
  expect(begun).toEqual([20]);
  await stop();
});

test("where handlers are short nothing is left for others", async () => {
  const scene = createScene();
  const { fleet, gate, stop } = await asleep(scene, [20]);
  const member = fleet[0]!;
  const asked = (): boolean[] =>
    member.calls.flatMap(({ verb, args }) =>
      verb === "work" ? args.claims.map(({ fair }: { fair: boolean }) => fair) : [],
    );
  gate.open();
  await member.scheduler.pushMany("t", DATA(20));
  await scene.clock.settle();
  expect(asked()[0]).toBe(true);
  member.calls.length = 0;
  await member.scheduler.pushMany("t", DATA(20));
  await scene.clock.settle();
  expect(asked()).toContain(false);
  expect(asked()).not.toContain(true);
  await stop();
});
