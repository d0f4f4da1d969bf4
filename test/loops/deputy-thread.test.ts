/** The deputy's thread, as the main thread sees it: begun, called, begun again, ended. */
import { describe, expect, test } from "vitest";
import { Emitter } from "../../src/core/events.js";
import { BoardView } from "../../src/loops/deputy/board.js";
import {
  Deputy,
  type DeputyListener,
  type DeputyOrders,
  type DeputyThread,
  type LaunchDeputy,
} from "../../src/loops/deputy/deputy.js";
import { stirMs } from "../../src/loops/deputy/duty.js";
import { createTestClock } from "../../src/testing/clock.js";
import { listen, ofEvent } from "./scene.js";

const LEASE_MS = 12_000;
const LIMIT_MS = 300_000;
const STIR_MS = stirMs(LEASE_MS);
const FENCE = "1767225600000001";
const NUMBER = "1767225600000100";

/** A thread that only notes what it is told. */
function launcher() {
  const started: { orders: DeputyOrders; listener: DeputyListener; told: string[] }[] = [];
  const killed: number[] = [];
  const launch: LaunchDeputy = (orders, listener) => {
    const told: string[] = [];
    const index = started.push({ orders, listener, told }) - 1;
    return {
      tell: ({ kind }) => void told.push(kind),
      open: (shards) => void told.push(`store of ${shards}`),
      kill: () => void killed.push(index),
    };
  };
  return { started, killed, launch };
}

function deputy(launch: LaunchDeputy) {
  const clock = createTestClock();
  const warnings: string[] = [];
  const nothing = () => {};
  const warn = (_fields: object, message: string) => void warnings.push(message);
  const logger = { debug: nothing, info: nothing, warn, error: nothing };
  const emitter = new Emitter(logger);
  const told = listen(emitter);
  const made = new Deputy({
    ...{ clock, emitter, logger, launch },
    ...{ taskIds: ["t"], leaseMs: LEASE_MS },
  });
  const rules = { timeoutMs: null };
  const attempts = [{ number: NUMBER, job: { rules }, task: rules }];
  const hold = (): number =>
    made.hold({ ref: { fence: FENCE, taskId: "t" }, leaseMs: 1, attempts });
  return { clock, told, warnings, deputy: made, hold };
}

describe("its thread", () => {
  test("is begun before the store is open and told when it is, also when begun again", async () => {
    const { started, launch } = launcher();
    const { clock, deputy: made } = deputy(launch);
    made.begin();
    made.begin();
    expect(started.map(({ told }) => told)).toEqual([[]]);
    made.opened(3);
    started[0]!.listener.ready();
    started[0]!.listener.ended(new Error("out of memory"));
    await clock.advance(1_100);
    expect(started.map(({ told }) => told)).toEqual([["store of 3"], ["store of 3"]]);
  });

  test("is begun with the first lease at the latest, and sees it before a job begins", async () => {
    const { started, launch } = launcher();
    const { hold } = deputy(launch);
    expect(started).toHaveLength(0);
    hold();
    hold();
    expect(started).toHaveLength(1);
    const view = new BoardView(started[0]!.orders.board);
    expect(view.leases({ takes: false })).toMatchObject([
      { fence: FENCE, limitMs: LIMIT_MS },
      { fence: FENCE },
    ]);
  });

  test("is given signs of life while it is awake, and called when it sleeps", async () => {
    const { started, launch } = launcher();
    const { clock, deputy: made, hold } = deputy(launch);
    const place = hold();
    const view = new BoardView(started[0]!.orders.board);
    const before = view.beats;
    await clock.advance(10 * STIR_MS);
    expect(view.beats - before).toBeGreaterThanOrEqual(9);
    made.release(place);
    view.fallAsleep();
    await clock.advance(2 * STIR_MS);
    const asleep = view.beats;
    await clock.advance(10 * STIR_MS);
    expect(view.beats).toBe(asleep);
    hold();
    expect(started[0]!.told).toContain("wake");
    await clock.advance(10 * STIR_MS);
    expect(view.beats).toBeGreaterThan(asleep + 8);
  });

  test("that dies is told of and begun again, each time a little later", async () => {
    const { started, launch } = launcher();
    const { clock, told, hold } = deputy(launch);
    hold();
    started[0]!.listener.ready();
    started[0]!.listener.ended(new Error("out of memory"));
    expect(ofEvent(told, "error")).toHaveLength(1);
    await clock.advance(900);
    expect(started).toHaveLength(1);
    await clock.advance(200);
    expect(started).toHaveLength(2);
    expect(new BoardView(started[1]!.orders.board).leases({ takes: false })).toHaveLength(1);
    started[1]!.listener.ended(new Error("again"));
    await clock.advance(1_900);
    expect(started).toHaveLength(2);
    await clock.advance(200);
    expect(started).toHaveLength(3);
  });

  test("that cannot be there is warned of once, and everything goes on without it", async () => {
    const { launch, started } = launcher();
    const late = deputy(launch);
    late.hold();
    for (let n = 0; n < 3; n += 1) {
      expect(late.warnings).toEqual([]);
      started[n]!.listener.ended(new Error("no such file"));
      await late.clock.advance(5_000);
    }
    const refused = deputy(() => "no threads here");
    for (const { warnings, told, deputy: made, hold } of [late, refused]) {
      const place = hold();
      expect(made.mayBegin(place, 0)).toBe(true);
      made.release(place);
      expect(warnings).toHaveLength(1);
      expect(ofEvent(told, "error")).toEqual([]);
    }
    expect(started).toHaveLength(3);
  });

  test("that was others' and just dying is begun again, and nobody is told", async () => {
    const { started, launch } = launcher();
    const { clock, told, warnings, hold } = deputy(launch);
    hold();
    started[0]!.listener.ended(null);
    await clock.advance(1_100);
    expect(started).toHaveLength(2);
    started[1]!.listener.ready();
    expect(ofEvent(told, "error")).toEqual([]);
    expect(warnings).toEqual([]);
    expect(new BoardView(started[1]!.orders.board).leases({ takes: false })).toHaveLength(1);
  });

  test("whose store has changed while it is told of it is begun again", async () => {
    const { started, launch } = launcher();
    let isOdd = true;
    const { clock, deputy: made } = deputy((orders, listener) => {
      const thread = launch(orders, listener) as DeputyThread;
      const open = (): void => {
        if (isOdd) listener.ended(new Error("its store has changed"));
      };
      return { ...thread, open };
    });
    made.opened(1);
    made.begin();
    isOdd = false;
    await clock.advance(1_100);
    expect(started).toHaveLength(2);
  });

  test("is asked to end, and ended when it does not", async () => {
    const { started, killed, launch } = launcher();
    const { clock, deputy: made, hold } = deputy(launch);
    hold();
    let isClosed = false;
    const closing = made.close().then(() => {
      isClosed = true;
    });
    expect(started[0]!.told).toContain("close");
    await clock.advance(900);
    expect(killed).toEqual([]);
    await clock.advance(200);
    expect(killed).toEqual([0]);
    expect(isClosed).toBe(false);
    started[0]!.listener.ended(null);
    await closing;
    await clock.advance(120_000);
    expect(started).toHaveLength(1);
  });
});
