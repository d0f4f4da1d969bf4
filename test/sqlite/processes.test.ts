/** Several processes on one file: nothing twice, nothing lost, heard at once, gone cleanly. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { until } from "../support/until.js";
import {
  Actor,
  compile,
  dispose,
  firing,
  lookArgs,
  newJob,
  newSchedule,
  run,
  workArgs,
} from "./processes.js";
import { rowsOf } from "./raw.js";

const LOOK = lookArgs({ sleepMs: 600_000 });

let compiled = "";
let folder = "";
let path = "";
let actors: Actor[] = [];

beforeAll(() => {
  compiled = compile();
}, 60_000);
afterAll(() => dispose(compiled));
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "schedule-mq-"));
  path = join(folder, "store.db");
});
afterEach(async () => {
  await Promise.all(actors.map((actor) => actor.kill()));
  actors = [];
  rmSync(folder, { recursive: true, force: true });
});

function actor(): Actor {
  const created = new Actor(compiled, path);
  actors.push(created);
  return created;
}

async function expectSound(): Promise<void> {
  expect(await rowsOf(path, "PRAGMA integrity_check")).toEqual([{ integrity_check: "ok" }]);
}

describe("several processes", () => {
  test("that open a new file at the same instant all get it, and share it", async () => {
    const all = [actor(), actor(), actor(), actor()];
    await Promise.all(
      all.map(async (one) => {
        await one.call("open");
        await Promise.all(Array.from({ length: 20 }, () => one.push([newJob()])));
      }),
    );
    for (const one of all) {
      expect(await one.call("counts", { taskId: "t" })).toMatchObject({ ready: 80 });
    }
  });

  test("claim each job once and lose none, whoever is faster", async () => {
    const all = [actor(), actor(), actor()];
    const payloads = Array.from({ length: 1_200 }, (_, n) => String(n));
    await all[0]!.push(payloads.map((payload) => newJob({ payload })));
    const seen = await Promise.all(all.map(claimAll));
    const total = seen.flat();
    expect(
      total
        .map(Number)
        .sort((a, b) => a - b)
        .map(String),
    ).toEqual(payloads);
    expect(await all[0]!.call("counts", { taskId: "t" })).toMatchObject({ ready: 0, running: 0 });
    await expectSound();
  });

  test("push the same id at the same time: one job", async () => {
    const all = [actor(), actor(), actor()];
    const answers = await Promise.all(
      all.flatMap((one) => Array.from({ length: 10 }, () => one.push([newJob({ id: "a" })]))),
    );
    expect(answers.flat().filter(({ created }) => created)).toHaveLength(1);
  });

  test("fire an occurrence once", async () => {
    const all = [actor(), actor(), actor()];
    const at = Date.now() - 1_000;
    // what is decided already is never stale, however late it comes in
    const schedule = newSchedule({ firstAt: at, decidedAt: 0 });
    await all[0]!.call("register", { registration: null, schedules: [schedule] });
    const seen = { scheduleId: "s", revision: 1, seenAt: at, nextAt: at + 3_600_000 };
    const fires = [{ ...seen, decisions: [firing(at)] }];
    const { keep } = workArgs(0);
    const answers = await Promise.all(
      all.map((one) => one.call("fire", { taskId: "t", fires, keep })),
    );
    expect(answers.flat().filter((answer) => answer !== null)).toHaveLength(1);
  });
});

async function claimAll(one: Actor): Promise<string[]> {
  const payloads: string[] = [];
  for (;;) {
    const { batches } = await one.claim(10);
    const jobs = batches.flatMap((batch) =>
      batch.jobs.map((job) => ({ ...job, fence: batch.fence, taskId: batch.taskId })),
    );
    if (jobs.length === 0) return payloads;
    payloads.push(...jobs.map(({ payload }) => payload));
    const outcome = { kind: "completed", result: null } as const;
    const settles = jobs.map(({ fence, taskId, number }) => ({
      ...{ fence, taskId, number, id: null, scheduleId: null },
      outcome,
    }));
    await one.call("work", workArgs(0, { settles, claims: [] }));
  }
}

describe("a process that is killed", () => {
  test("in the middle of pushing loses no push that was answered", async () => {
    for (let round = 0; round < 3; round += 1) {
      const victim = actor();
      await victim.call("open");
      const answered: string[] = [];
      const pushing = Promise.allSettled(
        Array.from({ length: 2_000 }, async (_, n) => {
          const id = `${round}.${n}`;
          await victim.push([newJob({ id })]);
          answered.push(id);
        }),
      );
      await until("some answers", () => answered.length > 50);
      await victim.kill();
      await pushing;
      expect(answered.length).toBeLessThan(2_000);
      const kept = new Set((await rowsOf(path, "SELECT id FROM known_id")).map(({ id }) => id));
      expect(answered.filter((id) => !kept.has(id))).toEqual([]);
      await expectSound();
    }
  });

  test("leaves no lock: the others go on at once", async () => {
    const [victim, other] = [actor(), actor()];
    await Promise.all([victim.call("open"), other.call("open")]);
    void Promise.allSettled(Array.from({ length: 200 }, () => victim.push([newJob()])));
    await victim.kill();
    expect(await other.push([newJob({ id: "a" })])).toMatchObject([{ created: true }]);
  });

  test("has its jobs taken over by another one when its lease has ended", async () => {
    const [victim, other] = [actor(), actor()];
    const retry = { attempts: 0, waitMs: 0, backoff: "fixed" } as const;
    await other.push([newJob({ rules: { retry, priority: 0, timeoutMs: null }, payload: "7" })]);
    const { batches } = await victim.claim(1, { leaseMs: 500 });
    expect(batches).toHaveLength(1);
    await victim.kill();
    const expired = await until("the lease's end", async () => {
      const look = await other.call("look", LOOK);
      return look.expired.length > 0 ? look.expired : null;
    });
    const { keep } = workArgs(0);
    await other.call("reap", { leases: expired, random: 0.5, keep });
    const again = await other.claim(1);
    expect(again.batches[0]?.jobs[0]).toMatchObject({ payload: "7", counts: { crashes: 1 } });
  });
});

describe("the bell", () => {
  test("wakes a sleeper in another process for a push, and only one", async () => {
    const [pusher, ...sleepers] = [actor(), actor(), actor()];
    for (const sleeper of sleepers) {
      expect((await sleeper.call("look", LOOK)).waitMs).toBe(LOOK.sleepMs);
    }
    await pusher.push([newJob()]);
    const woken = () => sleepers.filter(({ wakes }) => wakes.length > 0);
    await until("the first to be woken", () => woken().length === 1);
    expect(woken()[0]?.wakes).toEqual([{ kind: "task", taskId: "t" }]);
    await pusher.push([newJob()]);
    await until("the second to be woken", () => woken().length === 2);
    expect(sleepers.map(({ wakes }) => wakes.length)).toEqual([1, 1]);
  });

  test("has another sleeper woken when the one that was chosen has been killed", async () => {
    const living = actor();
    expect((await living.call("look", LOOK)).waitMs).toBe(LOOK.sleepMs);
    // Those who fell asleep later are chosen first.
    const dead = [actor(), actor()];
    for (const one of dead) expect((await one.call("look", LOOK)).waitMs).toBe(LOOK.sleepMs);
    await Promise.all(dead.map((one) => one.kill()));
    await actor().push([newJob()]);
    await until("the living one is woken", () => living.wakes.length > 0);
    expect(living.wakes).toEqual([{ kind: "task", taskId: "t" }]);
    expect(await rowsOf(path, "SELECT count(*) AS n FROM sleeper")).toEqual([{ n: 2 }]);
  });

  test("leaves a sleeper that was only slow awake, and looking", async () => {
    const slow = actor();
    const other = actor();
    expect((await other.call("look", LOOK)).waitMs).toBe(LOOK.sleepMs);
    expect((await slow.call("look", LOOK)).waitMs).toBe(LOOK.sleepMs);
    slow.signal("SIGSTOP");
    await actor().push([newJob()]);
    await until("the other one is woken", () => other.wakes.length > 0);
    slow.signal("SIGCONT");
    await until("the slow one looks", () => slow.wakes.length > 0);
    expect(slow.wakes[0]).toEqual({ kind: "look" });
  });

  test("tells the process that runs a job of its cancellation", async () => {
    const [owner, other] = [actor(), actor()];
    const [pushed] = await other.push([newJob()]);
    const { batches } = await owner.claim(1);
    const answer = await other.call("cancel", { taskId: "t", id: pushed?.id ?? "" });
    expect(answer).toEqual({ state: "cancelling", changed: true });
    await until("the cancellation", () => owner.wakes.length > 0);
    const { fence, jobs } = batches[0]!;
    const number = jobs[0]?.number;
    expect(owner.wakes).toEqual([{ kind: "cancelled", fence, taskId: "t", number }]);
  });
});

describe("a process without a SQLite binding in reach", () => {
  test("is told what to install, and never gets a store in memory instead", async () => {
    const away = join(folder, "away");
    cpSync(compiled, away, { recursive: true });
    writeFileSync(join(away, "package.json"), '{"type":"module"}');
    // what cannot be loaded hides what may be installed further up
    fakePackage("@photostructure/sqlite", "1.2.1", "throw new Error('for another machine')");
    fakePackage("better-sqlite3", "13.2.0", "process.kill(process.pid, 'SIGSEGV')");
    const ended = await run("producer.mjs", [away, path], folder);
    if (process.getBuiltinModule("node:sqlite") !== undefined) {
      expect(ended).toMatchObject({ code: 0, stderr: "" });
      return;
    }
    expect(ended).toMatchObject({ code: 1, stdout: "" });
    expect(ended.stderr).toContain("[SQLITE_MISSING]");
    expect(ended.stderr).toContain("for another machine");
    expect(ended.stderr).toContain("better-sqlite3 13.2.0 needs Node-API 10");
    expect(ended.stderr).toContain("Node 22.13");
    expect(ended.stderr).toContain("npm install @photostructure/sqlite");
  });
});

function fakePackage(name: string, version: string, code: string): void {
  const place = join(folder, "node_modules", name);
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, "package.json"), JSON.stringify({ name, version, main: "main.cjs" }));
  writeFileSync(join(place, "main.cjs"), code);
}

describe("a process with an open store", () => {
  test("ends by itself when nothing is in flight, and prints no warning", async () => {
    const ended = await run("producer.mjs", [compiled, path]);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(ended.stdout)).toMatchObject({ id: "a", created: true });
    expect(await rowsOf(path, "SELECT id FROM known_id")).toEqual([{ id: "a" }]);
  });
});
