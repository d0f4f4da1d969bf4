/**
 * Schedules that are changed while the store holds its fire: the change waits where something is
 * due, and no occurrence is fired twice or lost over it. These claims are about the store and the
 * step that changes a schedule together.
 */
import { describe, expect } from "vitest";
import { Emitter } from "../../../src/core/events.js";
import { type CheckedRegister, checkUpsert } from "../../../src/core/options.js";
import { writeOf } from "../../../src/loops/registrations.js";
import { upsert } from "../../../src/schedules/upsert.js";
import type { Scene } from "../scene.js";
import type { ContractTest } from "../suite.js";
import { HOUR_MS, KEEP, only, TASK } from "../words.js";

const HOLD_MS = 5_000;
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };
const CONTEXT = { payloadLimitBytes: 1_000, timezone: "UTC" };

export function heldClaims(test: ContractTest): void {
  describe("a change while the store holds its fire", () => {
    waitingClaims(test);
    toldClaims(test);
    atOnceClaims(test);
  });
}

function checked(every: number): CheckedRegister {
  return checkUpsert(TASK, { scheduleId: "s", every, data: every }, CONTEXT);
}

/** Shortly after a whole hour: neither rule has an instant for as long as these claims take. */
async function toCalmTime(scene: Scene): Promise<void> {
  await scene.world.advance(HOUR_MS - ((await scene.world.now()) % HOUR_MS) + 5_000);
}

/** A schedule, each minute, with one occurrence due, whose store begins to hold; the instant. */
async function heldWithOneDue(scene: Scene): Promise<number> {
  await toCalmTime(scene);
  const firstAt = (await scene.world.now()) + 1_000;
  await scene.table.registerAll([{ ...writeOf(checked(60_000)), firstAt }]);
  await scene.world.advance(1_500);
  await scene.world.hold();
  expect(await scene.table.dueNow()).toBeNull();
  return firstAt;
}

interface Changed {
  nextAt: number | null;
  /** How long it waited, ms. */
  waitedMs: number;
}

/** Every hour from now on; while it waits time passes, and `meanwhile` happens. */
async function changeToHourly(
  scene: Scene,
  meanwhile: (waitedMs: number) => Promise<unknown> = async () => {},
): Promise<Changed> {
  let waitedMs = 0;
  const parts = {
    store: scene.store,
    emitter: new Emitter(SILENT),
    keep: KEEP,
    context: CONTEXT,
    registered: () => [],
    changed: () => {},
    sleep: async (ms: number) => {
      await scene.world.advance(ms);
      waitedMs += ms;
      await meanwhile(waitedMs);
    },
    guard: <T>(promise: Promise<T>) => promise,
  };
  const { nextAt } = await upsert(parts, checked(HOUR_MS));
  return { nextAt, waitedMs };
}

/** The new definition is in force, and its first occurrence is the next whole hour. */
async function expectHourly(scene: Scene, { nextAt }: Changed): Promise<void> {
  const { definition, payload, now } = await scene.table.detail();
  expect(JSON.parse(definition)).toMatchObject({ everyMs: HOUR_MS });
  expect(payload).toBe(String(HOUR_MS));
  expect(nextAt).toBe((Math.floor(now / HOUR_MS) + 1) * HOUR_MS);
}

/** What jobs there are, by the instants and the data that they were fired with. */
async function fired(scene: Scene): Promise<unknown[]> {
  const held = await scene.claim(10);
  return held.map(({ occurrence, payload }) => [occurrence?.scheduledFor, payload]);
}

function waitingClaims(test: ContractTest): void {
  test("waits for its end, and what was due fires once, as it was", async ({ scene }) => {
    const at = await heldWithOneDue(scene);
    const changed = await changeToHourly(scene);
    expect(changed.waitedMs).toBeGreaterThan(HOLD_MS - 1_000);
    await expectHourly(scene, changed);
    expect(await scene.table.ledger(at)).toEqual([["due", 0]]);
    expect(await scene.table.dueNow()).toBeNull();
    expect(await fired(scene)).toEqual([[at, "60000"]]);
  });

  test("fires nothing again that somebody else fires at its end", async ({ scene }) => {
    const at = await heldWithOneDue(scene);
    const other = await scene.another();
    let firedByOther = 0;
    const changed = await changeToHourly(scene, async () => {
      const answer = await scene.table.fire({ store: other });
      if (answer !== null) firedByOther += 1;
    });
    expect(firedByOther).toBe(1);
    await expectHourly(scene, changed);
    expect(await scene.table.ledger(at)).toEqual([["due", 0]]);
    expect(await fired(scene)).toEqual([[at, "60000"]]);
  });

  test("loses nothing that becomes due while it waits", async ({ scene }) => {
    await toCalmTime(scene);
    const firstAt = (await scene.world.now()) + 1_000;
    const eachSecond = { ...writeOf(checked(1_000)), firstAt };
    await scene.table.registerAll([eachSecond]);
    await scene.world.advance(1_500);
    await scene.world.hold();
    await expectHourly(scene, await changeToHourly(scene));
    const { ledger } = await scene.table.detail();
    const instants = ledger.map((entry) => (entry.kind === "fired" ? entry.scheduledFor : 0));
    expect(instants.length).toBeGreaterThan(4);
    const [, second = 0] = instants;
    const expected = instants.slice(1).map((_, n) => second + n * 1_000);
    expect(instants).toEqual([firstAt, ...expected]);
    expect(second - firstAt).toBeLessThanOrEqual(1_000);
    expect(await scene.claim(100)).toHaveLength(instants.length);
  });
}

function toldClaims(test: ContractTest): void {
  test("fires nothing that the store is told meanwhile to be decided", async ({ scene }) => {
    const at = await heldWithOneDue(scene);
    const { digest } = await scene.table.detail();
    const told = { scheduleId: "s", taskId: TASK, decidedAt: at, nextAt: at + 60_000, digest };
    const decided = [told];
    const changed = await changeToHourly(scene, () => scene.store.recover({ decided }));
    // Nothing is due any more: no need to wait for the end of the hold.
    expect(changed.waitedMs).toBeLessThan(HOLD_MS - 1_000);
    await expectHourly(scene, changed);
    await scene.world.advance(HOLD_MS);
    expect(await scene.table.detail()).toMatchObject({ decidedAt: at, ledger: [] });
    expect(await scene.table.dueNow()).toBeNull();
    expect(await fired(scene)).toEqual([]);
  });
}

function atOnceClaims(test: ContractTest): void {
  test("is there at once where nothing is due, and fires after the hold", async ({ scene }) => {
    const firstAt = (await scene.world.now()) + 30_000;
    await scene.table.registerAll([{ ...writeOf(checked(60_000)), firstAt }]);
    await scene.world.hold();
    const changed = await changeToHourly(scene);
    expect(changed.waitedMs).toBe(0);
    await expectHourly(scene, changed);
    await scene.world.advance((changed.nextAt ?? 0) - (await scene.world.now()) + 10);
    const due = only((await scene.table.look()).schedules);
    expect(due.nextAt).toBe(changed.nextAt);
    await scene.table.fire();
    expect(await fired(scene)).toEqual([[changed.nextAt, String(HOUR_MS)]]);
  });

  test("may be a schedule that is new: its first occurrence waits", async ({ scene }) => {
    await scene.world.hold();
    const firstAt = (await scene.world.now()) + 1_000;
    await scene.table.registerAll([{ ...writeOf(checked(60_000)), firstAt }]);
    await scene.world.advance(1_500);
    expect(await scene.table.dueNow()).toBeNull();
    expect(await scene.table.fire()).toBeNull();
    await scene.world.advance(HOLD_MS);
    expect(await scene.table.fire()).toMatchObject({ outcomes: [{ kind: "fired" }] });
    expect(await fired(scene)).toEqual([[firstAt, "60000"]]);
  });
}
