/** After an outage nothing is taken from anybody for a while: not less, and not for ever. */
import { expect, test } from "vitest";
import { createScene, type Member, type Scene } from "./scene.js";

const LEASE_MS = 10_000;

/** A scheduler that lives, and a job of one that has died. */
async function survivor(scene: Scene, leaseMs = LEASE_MS): Promise<Member> {
  const options = { lease: leaseMs };
  const living = await scene.member({ bind: { t: () => {} }, options });
  await living.engine.watch.step();
  await scene.push("t", { data: "x", retry: true, retryTimeout: 1_000 });
  const dying = await scene.member({ bind: { t: () => new Promise(() => {}) }, options });
  await dying.work();
  return living;
}

test("one outage is followed by a third of a lease without reaping", async () => {
  const scene = createScene();
  const living = await survivor(scene);
  for (let passedMs = 0; passedMs < LEASE_MS; passedMs += 2_500) {
    await living.engine.watch.step();
    await scene.clock.advance(2_500);
  }
  living.engine.watch.doubt();
  await living.engine.watch.step();
  await scene.clock.advance(3_300);
  await living.engine.watch.step();
  expect(living.count("reap")).toBe(0);
  await scene.clock.advance(100);
  await living.engine.watch.step();
  expect(living.count("reap")).toBe(1);
});

test("however short the lease, all others have time to connect again", async () => {
  const scene = createScene();
  const leaseMs = 2_000;
  const living = await survivor(scene, leaseMs);
  for (let passedMs = 0; passedMs < leaseMs; passedMs += 500) {
    await living.engine.watch.step();
    await scene.clock.advance(500);
  }
  living.engine.watch.doubt();
  for (let passedMs = 0; passedMs < 1_500; passedMs += 250) {
    await living.engine.watch.step();
    expect(living.count("reap")).toBe(0);
    await scene.clock.advance(250);
  }
  await living.engine.watch.step();
  expect(living.count("reap")).toBe(1);
});

test("outages that follow each other closely do not hold up reaping for ever", async () => {
  const scene = createScene();
  const living = await survivor(scene);
  let passedMs = 0;
  for (; living.count("reap") === 0 && passedMs < 5 * LEASE_MS; passedMs += 1_000) {
    living.engine.watch.doubt();
    await living.engine.watch.step();
    await scene.clock.advance(1_000);
  }
  expect(living.count("reap")).toBe(1);
  expect(passedMs).toBeLessThan(2 * LEASE_MS);
});

test("who starts, perhaps right after an outage, leaves the others their time, too", async () => {
  const scene = createScene();
  const earlier = await survivor(scene);
  for (let passedMs = 0; passedMs < LEASE_MS; passedMs += 2_500) {
    await earlier.engine.watch.step();
    await scene.clock.advance(2_500);
  }
  const started = await scene.member();
  await started.engine.watch.step();
  await scene.clock.advance(1_900);
  await started.engine.watch.step();
  expect(started.count("reap")).toBe(0);
  await scene.clock.advance(100);
  await started.engine.watch.step();
  expect(started.count("reap")).toBe(1);
});
