/** list: the jobs of a task in one state, page by page. */
import { describe, expect } from "vitest";
import type { JobState } from "../../../src/core/job.js";
import type { JobPage, JobView } from "../../../src/store/contract.js";
import type { Scene } from "../scene.js";
import type { ContractTest } from "../suite.js";
import {
  COMPLETED,
  HAND_BACK,
  HOUR_MS,
  KEEP_COMPLETED,
  names,
  newJob,
  rules,
  TASK,
} from "../words.js";

export function listClaims(test: ContractTest): void {
  describe("list", () => {
    orderClaims(test);
    pageClaims(test);
    stabilityClaims(test);
  });
}

/** All jobs in this state, by pages; `between` runs after each page but the last. */
async function listAll(
  scene: Scene,
  state: JobState,
  limit = 100,
  between: () => Promise<unknown> = async () => {},
): Promise<JobView[]> {
  const all: JobView[] = [];
  let cursor: string | null = null;
  for (let pages = 0; ; pages += 1) {
    expect(pages).toBeLessThan(1_000);
    const page = await scene.store.list({ taskId: TASK, state, cursor, limit });
    expect(page.jobs.length).toBeLessThanOrEqual(limit);
    all.push(...page.jobs);
    cursor = page.cursor;
    if (cursor === null) return all;
    await between();
  }
}

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, n) => String(n));
}

function orderClaims(test: ContractTest): void {
  test("shows ready jobs in the order in which they will be claimed", async ({ scene }) => {
    await scene.pushNamed(["1", "2", "3"]);
    await scene.pushNamed(["late"], { rules: rules({ priority: 1 }) });
    await scene.pushNamed(["urgent"], { rules: rules({ priority: -1 }) });
    const listed = names(await listAll(scene, "ready"));
    expect(listed).toEqual(["urgent", "1", "2", "3", "late"]);
    expect(names(await scene.claim(10))).toEqual(listed);
  });

  test("shows ready jobs in the order of claiming after a hand-back", async ({ scene }) => {
    await scene.pushNamed(["1", "2", "3"]);
    await scene.settle(await scene.claimOne(), HAND_BACK);
    expect(names(await listAll(scene, "ready"))).toEqual(["1", "2", "3"]);
  });

  test("shows scheduled jobs in the order of their due times", async ({ scene }) => {
    for (const name of ["3", "1", "2"]) {
      await scene.pushNamed([name], { due: { in: Number(name) * HOUR_MS } });
    }
    expect(names(await listAll(scene, "scheduled"))).toEqual(["1", "2", "3"]);
  });

  test("shows running jobs", async ({ scene }) => {
    await scene.pushNamed(["1", "2", "3"]);
    await scene.claim(2);
    const jobs = await listAll(scene, "running");
    expect(names(jobs).sort()).toEqual(["1", "2"]);
    expect(jobs.every(({ fence, state }) => state === "running" && fence !== null)).toBe(true);
  });

  test("shows ended jobs, those that ended last first", async ({ scene }) => {
    const ends: Record<string, (name: string) => Promise<unknown>> = {
      dead: (name) => scene.dead({ payload: JSON.stringify(name) }),
      cancelled: async (name) => scene.cancel((await scene.pushNamed([name]))[0]!),
      completed: async (name) =>
        scene.settle(await scene.running({ payload: JSON.stringify(name) }), COMPLETED, {
          keep: KEEP_COMPLETED,
        }),
    };
    for (const [state, end] of Object.entries(ends)) {
      for (const name of ["1", "2", "3"]) {
        await end(name);
        await scene.world.advance(10);
      }
      expect(names(await listAll(scene, state as JobState))).toEqual(["3", "2", "1"]);
    }
  });

  test("shows the same of a job as get", async ({ scene }) => {
    await scene.running({ id: "running" });
    await scene.dead({ id: "dead" });
    await scene.pushOne({ id: "scheduled", due: { in: HOUR_MS } });
    await scene.pushOne({ id: "ready" });
    for (const state of ["running", "dead", "scheduled", "ready"] as const) {
      expect(await listAll(scene, state)).toEqual([await scene.view(state)]);
    }
  });
}

function pageClaims(test: ContractTest): void {
  test.for(["ready", "running", "dead"] as const)(
    "a cursor of no page is refused, and is not taken for the beginning: %s",
    async (state, { scene }) => {
      await scene.pushNamed(["one"]);
      for (const cursor of ["", "x", "null", "x".repeat(10_000)]) {
        const page = { taskId: TASK, state, cursor, limit: 10 };
        const error = await scene.store.list(page).catch((reason: unknown) => reason);
        expect(error).toMatchObject({ code: "OPTION_INVALID", value: cursor });
        expect((error as Error).message.length).toBeLessThan(300);
      }
      const page = { taskId: null, cursor: "x", limit: 10 };
      await expect(scene.store.schedules(page)).rejects.toMatchObject({ code: "OPTION_INVALID" });
    },
  );

  test("has an end: the last page has no cursor", async ({ scene }) => {
    const page = { taskId: TASK, state: "ready", cursor: null, limit: 10 } as const;
    expect(await scene.store.list(page)).toEqual({ jobs: [], cursor: null });
    await scene.pushOne();
    expect((await scene.store.list(page)).cursor).toBeNull();
  });

  test("gives every ready job once, page by page, in order", async ({ scene }) => {
    await scene.pushNamed(numbered(25));
    expect(names(await listAll(scene, "ready", 10))).toEqual(numbered(25));
    expect(names(await listAll(scene, "ready", 5))).toEqual(numbered(25));
    expect(names(await listAll(scene, "ready", 1))).toEqual(numbered(25));
  });

  test("gives every ready job with a priority once, page by page, in order", async ({ scene }) => {
    for (const priority of [3, 1, 2]) {
      const given = numbered(5).map((n) => `${priority}.${n}`);
      await scene.pushNamed(given, { rules: rules({ priority }) });
    }
    const expected = ["1", "2", "3"].flatMap((p) => numbered(5).map((n) => `${p}.${n}`));
    expect(names(await listAll(scene, "ready", 4))).toEqual(expected);
  });

  test("gives every scheduled job once, page by page, many due at one instant", async ({
    scene,
  }) => {
    const at = (await scene.world.now()) + HOUR_MS;
    await scene.pushNamed(numbered(25), { due: { at } });
    expect(names(await listAll(scene, "scheduled", 4))).toEqual(numbered(25));
  });

  test("gives every running job once, page by page", async ({ scene }) => {
    await scene.pushNamed(numbered(25));
    await scene.claim(25);
    const seen = names(await listAll(scene, "running", 4)).map(Number);
    expect(seen.sort((a, b) => a - b)).toEqual(numbered(25).map(Number));
  });

  test("gives every ended job once, page by page, many that ended in one instant", async ({
    scene,
  }) => {
    await scene.pushNamed(numbered(25));
    const held = await scene.claim(25);
    const outcome = { kind: "dead", reason: "failed", error: null } as const;
    await scene.settleAll(held.map((job) => [job, outcome]));
    const seen = names(await listAll(scene, "dead", 4)).map(Number);
    expect(seen.sort((a, b) => a - b)).toEqual(numbered(25).map(Number));
  });
}

function stabilityClaims(test: ContractTest): void {
  test("skips and repeats nothing while more jobs are pushed", async ({ scene }) => {
    await scene.pushNamed(numbered(12));
    let pushed = 0;
    const seen = await listAll(scene, "ready", 5, async () => {
      if (pushed < 3) await scene.push([newJob({ payload: '"new"' })]);
      pushed += 1;
    });
    expect(names(seen).filter((name) => name !== "new")).toEqual(numbered(12));
  });

  test("skips and repeats nothing that stays while jobs before it are claimed", async ({
    scene,
  }) => {
    await scene.pushNamed(numbered(12));
    const seen = await listAll(scene, "ready", 4, () => scene.claim(2));
    expect(names(seen)).toEqual(numbered(12));
  });

  test("skips and repeats nothing while more jobs die", async ({ scene }) => {
    for (const name of numbered(9)) {
      await scene.dead({ payload: JSON.stringify(name) });
      await scene.world.advance(10);
    }
    const seen = await listAll(scene, "dead", 4, () => scene.dead({ payload: '"new"' }));
    expect(names(seen)).toEqual(numbered(9).reverse());
  });

  test("skips and repeats nothing that stays while dead jobs are redriven", async ({ scene }) => {
    for (const id of numbered(9)) {
      await scene.dead({ id, payload: JSON.stringify(id) });
      await scene.world.advance(10);
    }
    const redriven = ["8", "0"];
    const seen = await listAll(scene, "dead", 4, () =>
      scene.store.redrive({ taskId: TASK, id: redriven.shift() ?? "nobody" }),
    );
    expect(names(seen).filter((id) => id !== "0" && id !== "8")).toEqual(
      numbered(8).slice(1).reverse(),
    );
  });

  test("skips and repeats nothing that stays though all ended in one instant", async ({
    scene,
  }) => {
    const ids = numbered(9);
    await scene.push(ids.map((id) => newJob({ id, payload: JSON.stringify(id) })));
    const held = await scene.claim(9);
    const outcome = { kind: "dead", reason: "failed", error: null } as const;
    await scene.settleAll(held.map((job) => [job, outcome]));
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: JobPage = await scene.store.list({
        taskId: TASK,
        state: "dead",
        cursor,
        limit: 4,
      });
      seen.push(...page.jobs.map(({ id }) => id));
      cursor = page.cursor;
      // The job at which the next page begins is not among the dead ones any more.
      await scene.store.redrive({ taskId: TASK, id: seen.at(-1) ?? "" });
    } while (cursor !== null);
    expect([...seen].sort()).toEqual(ids);
  });
}
