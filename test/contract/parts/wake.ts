/** Wake-ups: who sleeps is told, one sleeper for one piece of work. */
import { describe, expect } from "vitest";
import type { Wake } from "../../../src/store/contract.js";
import { until } from "../../support/until.js";
import type { Scene } from "../scene.js";
import { Sleeper } from "../sleeper.js";
import type { ContractTest } from "../suite.js";
import {
  COMPLETED,
  HAND_BACK,
  HOUR_MS,
  KEEP,
  NO_SCHEDULES,
  newJob,
  retryIn,
  stubborn,
  TASK,
} from "../words.js";

export function wakeClaims(test: ContractTest): void {
  describe("wake-ups", () => {
    pushClaims(test);
    stampedeClaims(test);
    otherVerbClaims(test);
    cancelledClaims(test);
  });
}

function pushClaims(test: ContractTest): void {
  test("a push wakes a sleeper of its task", async ({ scene }) => {
    const sleeper = await Sleeper.of(scene, await scene.another());
    await scene.pushOne();
    const wake = await sleeper.woken();
    if (wake.kind === "task") expect(wake.taskId).toBe(TASK);
  });

  test("a push wakes the pusher itself, if it is the one that sleeps", async ({ scene }) => {
    const sleeper = await Sleeper.of(scene, scene.store);
    await scene.pushOne();
    await sleeper.woken();
  });

  test("a push does not wake sleepers of other tasks", async ({ scene }) => {
    const sleeper = await Sleeper.of(scene, await scene.another(), { taskIds: ["other"] });
    await scene.pushOne();
    await sleeper.arrived();
    expect(sleeper.wakes).toEqual([]);
  });

  test("a push of a job due before all others wakes a sleeper", async ({ scene }) => {
    await scene.pushOne({ due: { in: 10 * HOUR_MS } });
    const sleepMs = 100 * HOUR_MS;
    const sleeper = await Sleeper.of(scene, await scene.another(), { sleepMs });
    await scene.pushOne({ due: { in: HOUR_MS } });
    await sleeper.woken();
  });

  test("a push of a job due after one that is known wakes nobody", async ({ scene }) => {
    await scene.pushOne({ due: { in: HOUR_MS } });
    const sleeper = await Sleeper.of(scene, await scene.another());
    await scene.pushOne({ due: { in: 10 * HOUR_MS } });
    await sleeper.arrived();
    expect(sleeper.wakes).toEqual([]);
  });

  test("a push that finds its job there already wakes nobody", async ({ scene }) => {
    await scene.running({ id: "a" });
    const sleeper = await Sleeper.of(scene, await scene.another());
    await scene.pushOne({ id: "a" });
    await sleeper.arrived();
    expect(sleeper.wakes).toEqual([]);
  });

  test("a listener that was taken away hears nothing more", async ({ scene }) => {
    const store = await scene.another();
    const heard: Wake[] = [];
    const stop = store.onWake((wake) => heard.push(wake));
    const sleeper = await Sleeper.of(scene, store);
    stop();
    stop();
    const before = heard.length;
    await scene.pushOne();
    await sleeper.woken();
    expect(heard).toHaveLength(before);
  });
}

function stampedeClaims(test: ContractTest): void {
  test("a push wakes one of two sleepers, the next push the other", async ({ scene }) => {
    const sleepers = [
      await Sleeper.of(scene, await scene.another()),
      await Sleeper.of(scene, await scene.another()),
    ];
    const heard = () => sleepers.map(({ wakes }) => wakes.length);
    await scene.pushOne();
    await until("the first wake-up", () => heard().some((n) => n > 0));
    for (const sleeper of sleepers) await sleeper.arrived();
    expect(heard().sort()).toEqual([0, 1]);
    await scene.pushOne();
    await until("the second wake-up", () => heard().every((n) => n > 0));
    for (const sleeper of sleepers) await sleeper.arrived();
    expect(heard()).toEqual([1, 1]);
  });

  test("a scheduler that was woken is left alone until it looks again", async ({ scene }) => {
    const sleeper = await Sleeper.of(scene, await scene.another());
    await scene.pushOne();
    await sleeper.woken();
    await scene.push([newJob(), newJob()]);
    await sleeper.arrived();
    expect(sleeper.wakes).toHaveLength(1);
    await scene.claim(10);
    await sleeper.store.look({ taskIds: [TASK], ...NO_SCHEDULES, sleepMs: HOUR_MS });
    await scene.pushOne();
    await until("the second wake-up", () => sleeper.wakes.length === 2);
  });

  test("a scheduler that has gone is not the one that is woken", async ({ scene }) => {
    const gone = await scene.another();
    await gone.look({ taskIds: [TASK], ...NO_SCHEDULES, sleepMs: HOUR_MS });
    const sleeper = await Sleeper.of(scene, await scene.another());
    await gone.close();
    await scene.pushOne();
    await sleeper.woken();
  });
}

/** Whatever makes a job ready, or due before a sleeper would look, wakes one. */
const MAKES_READY: Record<string, (scene: Scene) => Promise<() => Promise<unknown>>> = {
  "a hand-back": async (scene) => {
    const held = await scene.running();
    return () => scene.settle(held, HAND_BACK);
  },
  "a redrive": async (scene) => {
    const { id } = await scene.dead();
    return () => scene.store.redrive({ taskId: TASK, id });
  },
  "a reap": async (scene) => {
    await scene.push([stubborn()]);
    await scene.claimOne();
    return async () => {
      await scene.expire();
      await scene.reap();
    };
  },
  "a retry without a wait": async (scene) => {
    const held = await scene.running();
    return () => scene.settle(held, retryIn(0));
  },
  "a retry due earlier than anything known": async (scene) => {
    const held = await scene.running();
    return () => scene.settle(held, retryIn(1_000));
  },
  "a fired occurrence": async (scene) => {
    await scene.table.due();
    return () => scene.table.fire();
  },
  "an occurrence that waited": async (scene) => {
    const firstAt = await scene.table.due({ overlap: "bufferAll" });
    await scene.table.fireAt(firstAt, firstAt + 1);
    const held = await scene.claimOne();
    return () => scene.settle(held, COMPLETED);
  },
  "a trigger": async (scene) => {
    await scene.table.upsert();
    return () => scene.table.trigger();
  },
};

function otherVerbClaims(test: ContractTest): void {
  for (const [verb, prepare] of Object.entries(MAKES_READY)) {
    test(`${verb} wakes a sleeper of the task`, async ({ scene }) => {
      const act = await prepare(scene);
      const sleeper = await Sleeper.of(scene, await scene.another());
      await act();
      await sleeper.woken();
    });
  }
}

function cancelledClaims(test: ContractTest): void {
  test("a cancel tells the scheduler that runs the job, and only that", async ({ scene }) => {
    const owner = await scene.another();
    const bystander = await Sleeper.of(scene, await scene.another());
    await Sleeper.of(scene, owner);
    const heard: Wake[] = [];
    const overheard: Wake[] = [];
    owner.onWake((wake) => heard.push(wake));
    bystander.store.onWake((wake) => overheard.push(wake));
    const { id, fence, number } = await scene.running({ taskId: "long" }, { store: owner });
    await scene.store.cancel({ taskId: "long", id, keep: KEEP });
    await until("the wake-up", () => heard.length);
    expect(heard).toMatchObject([{ kind: "cancelled", fence, taskId: "long", number }]);
    await bystander.arrived();
    expect(overheard).toMatchObject([
      {
        kind: "cancelled",
        fence: expect.any(String),
        taskId: "marker",
        number: expect.any(String),
      },
    ]);
  });
}
