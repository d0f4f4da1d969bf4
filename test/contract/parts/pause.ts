/** pause: a schedule rests until it is resumed, or until an instant. */
import { describe, expect } from "vitest";
import type { ContractTest } from "../suite.js";
import { HOUR_MS } from "../words.js";

export function pauseClaims(test: ContractTest): void {
  describe("pause", () => {
    pausedClaims(test);
    untilClaims(test);
    resumeClaims(test);
    revisionClaims(test);
  });
}

function pausedClaims(test: ContractTest): void {
  test("lets nothing be due, however long, and says since when and why", async ({ scene }) => {
    const before = await scene.world.now();
    const at = await scene.table.due();
    expect(await scene.table.pause({ reason: "repairs" })).toEqual({ revision: 2 });
    const { paused, revision, nextAt, now } = await scene.table.detail();
    expect({ revision, nextAt }).toEqual({ revision: 2, nextAt: at });
    const about = { until: null, reason: "repairs", orphaned: false };
    expect(paused).toEqual({ at: expect.any(Number), ...about });
    expect(paused?.at).toBeGreaterThanOrEqual(before);
    expect(paused?.at).toBeLessThanOrEqual(now);
    await scene.world.advance(1_000 * HOUR_MS);
    expect(await scene.table.dueNow()).toBeNull();
    const { waitMs } = await scene.table.look({ sleepMs: 5_000 });
    expect(waitMs).toBe(5_000);
  });

  test("of a paused schedule changes its words, not since when", async ({ scene }) => {
    await scene.table.upsert();
    await scene.table.pause({ reason: "first" });
    const { paused } = await scene.table.detail();
    await scene.world.advance(HOUR_MS);
    const until = (await scene.world.now()) + HOUR_MS;
    expect(await scene.table.pause({ reason: "second", until })).toEqual({ revision: 3 });
    const now = await scene.table.detail();
    expect(now.paused).toEqual({ ...paused, reason: "second", until });
  });

  test("notes that nobody registers it any more", async ({ scene }) => {
    await scene.table.code();
    const pause = { until: null, reason: "nobody", orphaned: true };
    await scene.store.pause({ scheduleId: "s", pause, revision: null });
    expect((await scene.table.detail()).paused).toMatchObject(pause);
  });

  test("finds no schedule that is not there", async ({ scene }) => {
    expect(await scene.table.pause({ scheduleId: "unknown" })).toBeNull();
    expect(await scene.table.resume("unknown")).toBeNull();
  });
}

function untilClaims(test: ContractTest): void {
  test("until an instant lets the schedule be due then, with its old cursor", async ({ scene }) => {
    const at = await scene.table.due();
    const until = at + HOUR_MS;
    await scene.table.pause({ until });
    expect(await scene.table.dueNow()).toBeNull();
    const { waitMs } = await scene.table.look({ sleepMs: 10 * HOUR_MS });
    expect(waitMs).toBeGreaterThan(HOUR_MS / 2);
    expect(waitMs).toBeLessThanOrEqual(HOUR_MS);
    await scene.world.advance(HOUR_MS);
    expect(await scene.table.dueNow()).toMatchObject({ nextAt: at, paused: { until } });
  });

  test("until before the next occurrence leaves that when it is", async ({ scene }) => {
    const firstAt = (await scene.world.now()) + 2 * HOUR_MS;
    await scene.table.upsert({ firstAt });
    await scene.table.pause({ until: firstAt - HOUR_MS });
    await scene.world.advance(HOUR_MS + 60_000);
    expect(await scene.table.dueNow()).toBeNull();
    await scene.world.advance(HOUR_MS);
    expect(await scene.table.dueNow()).toMatchObject({ nextAt: firstAt });
  });

  test("until before the end of the jitter leaves that when it is", async ({ scene }) => {
    const firstAt = (await scene.world.now()) + 1_000;
    await scene.table.upsert({ firstAt, jitterMs: 2 * HOUR_MS });
    await scene.table.pause({ until: firstAt + HOUR_MS });
    await scene.world.advance(HOUR_MS + 60_000);
    expect(await scene.table.dueNow()).toBeNull();
    await scene.world.advance(HOUR_MS);
    expect(await scene.table.dueNow()).toMatchObject({ nextAt: firstAt });
  });
}

function resumeClaims(test: ContractTest): void {
  test("that is ended makes due at once what was due meanwhile", async ({ scene }) => {
    const at = await scene.table.due();
    await scene.table.pause();
    await scene.world.advance(HOUR_MS);
    expect(await scene.table.resume()).toEqual({ revision: 3 });
    const due = await scene.table.dueNow();
    expect(due).toMatchObject({ revision: 3, nextAt: at, paused: { reason: "why not" } });
    const { now } = await scene.table.detail();
    expect(due?.paused?.until).toBeGreaterThan(now - HOUR_MS);
    expect(due?.paused?.until).toBeLessThanOrEqual(now);
    expect(await scene.table.fire()).not.toBeNull();
    expect((await scene.table.detail()).paused).toBeNull();
  });

  test("that is ended early waits no longer for its end", async ({ scene }) => {
    const at = await scene.table.due();
    await scene.table.pause({ until: at + 10 * HOUR_MS });
    expect(await scene.table.resume()).toEqual({ revision: 3 });
    expect(await scene.table.dueNow()).toMatchObject({ nextAt: at });
  });

  test("that is over is not ended again", async ({ scene }) => {
    const at = await scene.table.due();
    await scene.table.pause({ until: at + HOUR_MS });
    await scene.world.advance(HOUR_MS);
    expect(await scene.table.resume()).toEqual({ revision: 2 });
    expect((await scene.table.detail()).paused?.until).toBe(at + HOUR_MS);
  });

  test("that is not there cannot be ended, and nothing changes", async ({ scene }) => {
    await scene.table.upsert();
    expect(await scene.table.resume()).toEqual({ revision: 1 });
    expect(await scene.table.detail()).toMatchObject({ revision: 1, paused: null });
  });
}

function revisionClaims(test: ContractTest): void {
  test("is refused for another revision than the one that is there", async ({ scene }) => {
    await scene.table.upsert();
    const pause = { until: null, reason: "", orphaned: false };
    const args = { scheduleId: "s", pause };
    expect(await scene.store.pause({ ...args, revision: 2 })).toBeNull();
    expect((await scene.table.detail()).paused).toBeNull();
    expect(await scene.store.pause({ ...args, revision: 1 })).toEqual({ revision: 2 });
    const resume = { scheduleId: "s", pause: null };
    expect(await scene.store.pause({ ...resume, revision: 1 })).toBeNull();
    expect((await scene.table.detail()).paused?.until).toBeNull();
    expect(await scene.store.pause({ ...resume, revision: 2 })).toEqual({ revision: 3 });
  });

  test("makes a decision by what was known before it fail", async ({ scene }) => {
    await scene.table.due();
    const { revision } = await scene.table.detail();
    await scene.table.pause();
    await scene.table.resume();
    expect(await scene.table.fire({ revision })).toBeNull();
    expect(await scene.table.fire({ revision: revision + 2 })).not.toBeNull();
  });
}
