/** Schedules that have come to their end are tended for ever, and stay ended. */
import { expect, test } from "vitest";
import { Emitter } from "../../src/core/events.js";
import { Presence } from "../../src/loops/presence.js";
import { Tending } from "../../src/loops/tend.js";
import type { ScheduleDetail, Store } from "../../src/store/contract.js";
import { createScene, listen, type Recorded, SILENT } from "./scene.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Each has two occurrences at most, a minute apart, and is never taken for an orphan here. */
const ENDING = {
  limit: { limit: 2 },
  "limit, skip": { limit: 2, overlap: "skip" },
  endAt: {},
  "endAt, before the first": {},
} as const;
const IDS = Object.keys(ENDING) as (keyof typeof ENDING)[];

async function detailsOf(store: Store): Promise<Partial<ScheduleDetail>[]> {
  const details = await Promise.all(IDS.map((scheduleId) => store.schedule({ scheduleId })));
  return details.map((detail) => {
    const { now: _now, registeredUntil: _until, ...rest } = detail ?? {};
    return rest;
  });
}

/** A scheduler registers them, by code or at run time, runs until they have ended, and is gone. */
async function ended(kind: "code" | "runtime") {
  const scene = createScene();
  const { clock } = scene;
  const { scheduler } = scene.scheduler({ pollInterval: "1s" });
  const startAt = clock.now();
  let ran = 0;
  scheduler.bind("t", () => {
    ran += 1;
  });
  const optionsOf = (scheduleId: keyof typeof ENDING) => ({
    ...ENDING[scheduleId],
    scheduleId,
    every: "1m" as const,
    orphan: "keep" as const,
    ...(scheduleId === "endAt" ? { endAt: startAt + 2 * MINUTE } : {}),
    ...(scheduleId === "endAt, before the first" ? { endAt: startAt + SECOND } : {}),
  });
  if (kind === "code") for (const id of IDS) scheduler.register("t", optionsOf(id));
  const settled = async <T>(promise: Promise<T>): Promise<T> => {
    await clock.settle();
    return await promise;
  };
  await settled(scheduler.start());
  if (kind === "runtime") {
    for (const id of IDS) await settled(scheduler.schedules.upsert("t", optionsOf(id)));
  }
  await clock.advance(5 * MINUTE);
  await settled(scheduler.stop());
  expect(ran).toBe(6);
  return scene;
}

/** Tends once a minute and a half for an hour, and looks through all of them in between. */
async function tend(recorded: Recorded, advance: (ms: number) => Promise<void>): Promise<void> {
  const { store } = recorded;
  const emitter = new Emitter(SILENT);
  const told = listen(emitter);
  const presence = new Presence(MINUTE);
  const tending = new Tending({ store, emitter, presence });
  for (let n = 0; n < 40; n += 1) {
    await advance(90 * SECOND);
    const look = await store.look({
      taskIds: [],
      fireable: { taskIds: ["t"], scheduleIds: [] },
      registration: null,
      sleepMs: MINUTE,
    });
    expect(look).toMatchObject({ schedules: [], repair: false });
    presence.noteLook(look.now, MINUTE);
    if (n % 2 === 0) tending.hurry();
    await tending.step();
  }
  expect(presence.canJudge((await store.tend({ urgent: false })).now)).toBe(true);
  expect(told).toEqual([]);
}

test.each(["code", "runtime"] as const)(
  "schedules of %s that reached limit or endAt stay ended, and their ledger as it is",
  async (kind) => {
    const { clock, openStore } = await ended(kind);
    const recorded = openStore();
    await recorded.store.open();
    const before = await detailsOf(recorded.store);
    expect(before.map(({ nextAt, firedCount }) => [nextAt, firedCount])).toEqual([
      [null, 2],
      [null, 2],
      [null, 2],
      [null, 0],
    ]);
    await tend(recorded, (ms) => clock.advance(ms));
    expect(recorded.count("tend")).toBeGreaterThan(40);
    expect(await detailsOf(recorded.store)).toEqual(before);
    // Not even a write that changes nothing: it would come again each minute, for ever.
    expect(recorded.count("fire")).toBe(0);
    await clock.advance(HOUR);
    expect(await detailsOf(recorded.store)).toEqual(before);
    await recorded.store.close();
  },
);
