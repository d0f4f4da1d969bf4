/** Tracked jobs: each end of one lets the next occurrence of its schedule fire in that step. */
import { describe, expect } from "vitest";
import type { Scene } from "../scene.js";
import type { ContractTest } from "../suite.js";
import {
  AGAIN,
  COMPLETED,
  HAND_BACK,
  type Held,
  KEEP_NOTHING,
  only,
  retryIn,
  rules,
  TASK,
} from "../words.js";

export function releaseClaims(test: ContractTest): void {
  describe("a tracked job", () => {
    endClaims(test);
    goesOnClaims(test);
    redriveClaims(test);
    severalClaims(test);
    lostClaims(test);
  });
}

const DEAD = { kind: "dead", reason: "failed", error: null } as const;

/** Fires an occurrence, and a ms later one that waits for it; answers the first instant. */
async function twoFired(scene: Scene, retries = false): Promise<number> {
  const retry = retries ? AGAIN : null;
  const at = await scene.table.due({ overlap: "bufferAll", rules: rules({ retry }) });
  const outcomes = await scene.table.fireAt(at, at + 1);
  expect(outcomes).toMatchObject([{ kind: "fired" }, { kind: "buffered" }]);
  return at;
}

/** The first occurrence's job has ended, and the second is ready. */
async function expectReleased(scene: Scene, at: number): Promise<void> {
  const { open, buffered } = await scene.table.detail();
  expect(buffered).toEqual([]);
  const held = only(await scene.claim(10));
  expect(held.occurrence).toMatchObject({ scheduledFor: at + 1, isTracked: true });
  expect(open).toEqual([held.id]);
  expect((await scene.table.ledger(at)).slice(-1)).toEqual([["due", 1]]);
}

const ENDS: Record<string, (scene: Scene) => Promise<void>> = {
  "is completed": async (scene) => {
    await scene.settle(await scene.claimOne(), COMPLETED);
  },
  "is completed and nothing of it kept": async (scene) => {
    await scene.settle(await scene.claimOne(), COMPLETED, { keep: KEEP_NOTHING });
  },
  "is completed with a result": async (scene) => {
    await scene.settle(await scene.claimOne(), { kind: "completed", result: "1" });
  },
  "is dead": async (scene) => {
    await scene.settle(await scene.claimOne(), DEAD);
  },
  "is cancelled while it waits": async (scene) => {
    await scene.cancel(only((await scene.table.detail()).open));
  },
  "is cancelled while it runs, and ends": async (scene) => {
    const held = await scene.claimOne();
    await scene.cancel(held.id);
    await scene.settle(held, HAND_BACK);
  },
  "is cancelled while it waits for a retry": async (scene) => {
    const held = await scene.claimOne();
    await scene.settle(held, retryIn(60_000));
    await scene.cancel(held.id);
  },
  "is taken back, and dead": async (scene) => {
    expect(await scene.crash()).toMatchObject({ state: "dead" });
  },
  "is cancelled while it runs, and taken back": async (scene) => {
    const { id } = await scene.claimOne();
    await scene.cancel(id);
    await scene.expire();
    expect(only(await scene.reap())).toMatchObject({ state: "cancelled" });
  },
};

function endClaims(test: ContractTest): void {
  for (const [end, act] of Object.entries(ENDS)) {
    test(`that ${end} lets the next occurrence fire`, async ({ scene }) => {
      const at = await twoFired(scene);
      await act(scene);
      await expectReleased(scene, at);
    });
  }

  test("that ends leaves the policy nothing to count", async ({ scene }) => {
    await twoFired(scene);
    for (let n = 0; n < 2; n += 1) await scene.settle(await scene.claimOne(), COMPLETED);
    expect(await scene.table.detail()).toMatchObject({ open: [], buffered: [] });
  });
}

const GOES_ON: Record<string, (scene: Scene) => Promise<void>> = {
  "is to be retried": async (scene) => {
    await scene.settle(await scene.claimOne(), retryIn(60_000));
  },
  "is to be retried at once": async (scene) => {
    await scene.settle(await scene.claimOne(), retryIn(0));
  },
  "is handed back": async (scene) => {
    await scene.settle(await scene.claimOne(), HAND_BACK);
  },
  "is taken back, to be issued again": async (scene) => {
    await scene.crash();
  },
  "is to be cancelled": async (scene) => {
    await scene.cancel((await scene.claimOne()).id);
  },
};

function goesOnClaims(test: ContractTest): void {
  for (const [state, act] of Object.entries(GOES_ON)) {
    test(`that ${state} lets none fire`, async ({ scene }) => {
      const at = await twoFired(scene, true);
      const { open } = await scene.table.detail();
      await act(scene);
      expect(await scene.table.detail()).toMatchObject({ open, buffered: [at + 1] });
    });
  }
}

function redriveClaims(test: ContractTest): void {
  test("that is redriven counts as open again, and lets the next fire when it ends", async ({
    scene,
  }) => {
    const at = await scene.table.due({ overlap: "bufferAll" });
    await scene.table.fireAt(at);
    const dead = await scene.claimOne();
    await scene.settle(dead, DEAD);
    expect((await scene.table.detail()).open).toEqual([]);
    await scene.store.redrive({ taskId: TASK, id: dead.id });
    expect((await scene.table.detail()).open).toEqual([dead.id]);
    await scene.table.trigger({ instants: [at + 1] });
    expect((await scene.table.detail()).buffered).toEqual([at + 1]);
    const again = await scene.claimOne();
    expect(again.occurrence).toMatchObject({ scheduledFor: at, isTracked: true });
    await scene.settle(again, COMPLETED);
    expect((await scene.claimOne()).occurrence?.scheduledFor).toBe(at + 1);
  });

  test("that is redriven runs beside its follower, and the next waits for both", async ({
    scene,
  }) => {
    await twoFired(scene);
    const dead = await scene.claimOne();
    await scene.settle(dead, DEAD);
    await scene.store.redrive({ taskId: TASK, id: dead.id });
    expect((await scene.table.detail()).open).toHaveLength(2);
    await scene.table.trigger();
    const [one, two] = await scene.claim(10);
    await scene.settle(one as Held, COMPLETED);
    expect((await scene.table.detail()).buffered).toHaveLength(1);
    await scene.settle(two as Held, COMPLETED);
    expect((await scene.table.detail()).buffered).toEqual([]);
    expect(await scene.claim(10)).toHaveLength(1);
  });
}

function severalClaims(test: ContractTest): void {
  test("fired by one scheduler, ended by another, lets the next fire for a third", async ({
    scene,
  }) => {
    const at = await twoFired(scene);
    const [second, third] = [await scene.another(), await scene.another()];
    await scene.settle(await scene.claimOne({ store: second }), COMPLETED, { store: second });
    const next = await scene.claimOne({ store: third });
    expect(next.occurrence?.scheduledFor).toBe(at + 1);
  });

  test("never runs beside another of its schedule, whoever fires and ends them", async ({
    scene,
  }) => {
    const at = await scene.table.due({ overlap: "bufferAll" });
    await scene.world.advance(100_000);
    const stores = [scene.store, await scene.another(), await scene.another()];
    const seen: number[] = [];
    for (let n = 0; n < 30; n += 1) {
      const store = stores[n % 3] ?? scene.store;
      const seenAt = at + n * 1_000;
      if (n < 20) await scene.table.fire({ store, seenAt, nextAt: seenAt + 1_000 });
      const claims = await Promise.all(stores.map((each) => scene.claim(10, { store: each })));
      const running = claims.flat();
      expect(running.length).toBeLessThanOrEqual(1);
      seen.push(...running.map(({ occurrence }) => ((occurrence?.scheduledFor ?? 0) - at) / 1_000));
      for (const held of running) await scene.settle(held, COMPLETED, { store });
    }
    expect(seen).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });

  test("that ends together with others of other schedules lets each next fire", async ({
    scene,
  }) => {
    const ids = ["a", "b", "c"];
    for (const scheduleId of ids) {
      await scene.table.due({ scheduleId, overlap: "bufferOne" });
      await scene.table.fire({ scheduleId });
      await scene.world.advance(3_600_000);
      await scene.table.fire({ scheduleId });
    }
    await scene.pushNamed(["by hand"]);
    const held = await scene.claim(10);
    expect(held).toHaveLength(4);
    await scene.settleAll(held.map((each) => [each, COMPLETED]));
    const next = (await scene.claim(10)).map(({ occurrence }) => occurrence?.scheduleId);
    expect(next.sort()).toEqual(ids);
  });

  test("that is settled twice lets one fire", async ({ scene }) => {
    const at = await scene.table.due({ overlap: "bufferAll" });
    await scene.table.fireAt(at, at + 1, at + 2);
    const held = await scene.claimOne();
    await scene.settle(held, COMPLETED);
    expect(await scene.settle(held, COMPLETED)).toBe("lost");
    expect(await scene.claim(10)).toHaveLength(1);
    expect((await scene.table.detail()).buffered).toEqual([at + 2]);
  });
}

function lostClaims(test: ContractTest): void {
  test("that ends when its schedule is gone lets nothing fire", async ({ scene }) => {
    await twoFired(scene);
    const held = await scene.claimOne();
    expect(await scene.store.remove({ scheduleId: "s", revision: null })).toBe("removed");
    expect(await scene.settle(held, COMPLETED)).toMatchObject({ state: "completed" });
    expect(await scene.claim(10)).toEqual([]);
    expect(await scene.store.schedule({ scheduleId: "s" })).toBeNull();
  });

  test("whose record has vanished does not hold its schedule up", async ({ scene, skip }) => {
    if (scene.world.loseJob === undefined) return skip("this world cannot lose a job");
    const at = await twoFired(scene);
    const { open } = await scene.table.detail();
    const { number } = await scene.view(open[0] ?? "");
    await scene.world.loseJob({ taskId: TASK, number });
    await scene.world.advance(3_600_000);
    // What waited goes before what is due now: nothing is lost, and nothing waits for ever.
    await scene.table.fireAt(at + 3_600_000);
    const seen: number[] = [];
    for (let held = await scene.claim(1); held[0] !== undefined; held = await scene.claim(1)) {
      seen.push((held[0].occurrence?.scheduledFor ?? 0) - at);
      await scene.settle(held[0], COMPLETED);
    }
    expect(seen).toEqual([1, 3_600_000]);
  });
}
