/** Alone and drain: jobs that crashed do not take their neighbours along. */
import { describe, expect } from "vitest";
import type { Store } from "../../../src/store/contract.js";
import type { Scene } from "../scene.js";
import type { ContractTest } from "../suite.js";
import {
  COMPLETED,
  HAND_BACK,
  type Held,
  heldOf,
  KEEP,
  LEASE_MS,
  newJob,
  only,
  settleOf,
  stubborn,
  TASK,
} from "../words.js";
import { lonelyJob, reservationClaims } from "./reservations.js";

export function aloneClaims(test: ContractTest): void {
  describe("jobs that crashed", () => {
    ownLeaseClaims(test);
    idleClaims(test);
    reservationClaims(test);
    killerClaims(test);
  });
}

function ownLeaseClaims(test: ContractTest): void {
  test("are claimed in leases of their own", async ({ scene }) => {
    await scene.push([stubborn(), stubborn(), stubborn()]);
    expect((await scene.work({ limit: 10 })).batches).toHaveLength(1);
    await scene.expire();
    expect(await scene.reap()).toHaveLength(3);
    await scene.push([newJob(), newJob()]);
    const { batches } = await scene.work({ limit: 10 });
    expect(heldOf(batches)).toHaveLength(5);
    const crashed = batches.filter(({ jobs }) => jobs.some(({ counts }) => counts.crashes > 0));
    expect(crashed.map(({ jobs, alone }) => [jobs.length, alone])).toEqual(
      Array.from({ length: 3 }, () => [1, false]),
    );
    expect(new Set(batches.map(({ fence }) => fence)).size).toBe(batches.length);
  });

  test("once or twice still run beside others", async ({ scene }) => {
    await scene.push([stubborn()]);
    await scene.crash();
    await scene.crash();
    expect(await scene.claimOne({ idle: false })).toMatchObject({ alone: false });
  });
}

function idleClaims(test: ContractTest): void {
  test("three times are given to an idle scheduler, and nothing beside them", async ({ scene }) => {
    const id = await lonelyJob(scene);
    await scene.push([newJob(), newJob({ taskId: "other" })]);
    expect((await scene.work()).drain).toBe(true);
    const { batches, drain } = await scene.store.work({
      settles: [],
      claims: [
        { taskId: "other", limit: 10 },
        { taskId: TASK, limit: 10 },
      ],
      idle: true,
      leaseMs: LEASE_MS,
      keep: KEEP,
    });
    expect(drain).toBe(false);
    expect(only(batches)).toMatchObject({ taskId: TASK, alone: true });
    expect(only(heldOf(batches)).id).toBe(id);
  });

  test("three times are never given to a scheduler that is not idle", async ({ scene }) => {
    const id = await lonelyJob(scene);
    for (let n = 0; n < 3; n += 1) expect(await scene.claim(10, { idle: false })).toEqual([]);
    expect(await scene.stateOf(id)).toBe("ready");
  });

  test("run alone also when they were handed back", async ({ scene }) => {
    const id = await lonelyJob(scene);
    await scene.settle(await scene.claimOne({ idle: true }), HAND_BACK);
    expect(only(await scene.claim(10, { idle: true }))).toMatchObject({ id, alone: true });
  });

  test("are not given to who does not claim of their task", async ({ scene }) => {
    await lonelyJob(scene);
    await scene.pushOne({ taskId: "other" });
    for (const idle of [false, true]) {
      expect(await scene.work({ taskId: "nothing", idle })).toMatchObject({
        batches: [],
        drain: false,
      });
    }
    expect(await scene.work({ taskId: TASK, limit: 0, idle: true })).toMatchObject({
      batches: [],
      drain: false,
    });
    expect(await scene.claim(10, { taskId: "other", idle: true })).toHaveLength(1);
  });

  test("can be claimed in the step that makes a scheduler idle", async ({ scene }) => {
    const id = await lonelyJob(scene);
    const other = await scene.running({ taskId: "other" });
    const answer = await scene.work({ idle: true }, [settleOf(other, COMPLETED)]);
    expect(only(heldOf(answer.batches))).toMatchObject({ id, alone: true });
  });
}

const INNOCENT_MS = 1_000;

/** A scheduler of ten slots: innocents take a second, a killer ends the process at once. */
class Process {
  held: Held[] = [];
  readonly store: Store;

  constructor(store: Store) {
    this.store = store;
  }

  async turn(scene: Scene): Promise<"died" | "idle" | "worked"> {
    const idle = this.held.length === 0;
    const options = { limit: 10 - this.held.length, idle, store: this.store };
    this.held.push(...heldOf((await scene.work(options)).batches));
    if (this.held.some(({ payload }) => payload === '"killer"')) {
      this.held = [];
      return "died";
    }
    if (this.held.length === 0) return "idle";
    await scene.world.advance(INNOCENT_MS);
    await scene.settleAll(this.held.map((job) => [job, COMPLETED]));
    this.held = [];
    return "worked";
  }
}

function killerClaims(test: ContractTest): void {
  test("cannot take nine innocents along: they complete, the killer ends as dead", async ({
    scene,
  }) => {
    const names = ["killer", ...Array.from({ length: 9 }, (_, n) => `innocent ${n}`)];
    const answers = await scene.push(names.map((name) => stubborn({ payload: `"${name}"` })));
    const process = new Process(scene.store);
    let deaths = 0;
    for (let turns = 0; turns < 100; turns += 1) {
      const end = await process.turn(scene);
      if (end === "idle") break;
      if (end === "died") {
        deaths += 1;
        await scene.expire();
        await scene.reap();
      }
    }
    expect(deaths).toBe(10);
    expect(await scene.view(answers[0]?.id ?? "")).toMatchObject({
      state: "dead",
      reason: "crashes",
      counts: { crashes: 10 },
    });
    expect(await scene.store.counts({ taskId: TASK })).toMatchObject({
      ready: 0,
      running: 0,
      dead: 1,
      total: { completed: 9, dead: 1 },
    });
  });
}
