/** Fidelity: texts and ids come out as they went in, byte by byte. */
import fc from "fast-check";
import { describe, expect } from "vitest";
import type { Scene } from "../scene.js";
import type { ContractTest } from "../suite.js";
import {
  COMPLETED,
  KEEP_COMPLETED,
  NO_SCHEDULES,
  newJob,
  rules,
  schedule,
  TASK,
} from "../words.js";

/** Texts that parsing and writing again would change, and texts that trip up formats. */
const TEXTS: readonly string[] = [
  "",
  "[]",
  "{}",
  "null",
  "0",
  "-0",
  "1.0",
  "1e400",
  "9007199254740993",
  "0.1000000000000000055511151231257827",
  '""',
  '"\\u0000"',
  '"\u2028\u2029"',
  '"😀 é ß 日本語 \\ud83d"',
  '{"__proto__":{"a":1},"constructor":1}',
  '{"a":1,"a":2}',
  ' { "spaces" : [ 1 , 2 ] } ',
  '"line\\r\\nbreak"',
  '"\\"quotes\\" and \\\\"',
  "[[],{},[[]],{}]",
  `${"[".repeat(2_000)}${"]".repeat(2_000)}`,
  JSON.stringify("x".repeat(300_000)),
  JSON.stringify("é".repeat(100_000)),
];

const IDS: readonly string[] = [
  "a",
  " ",
  "'; DROP TABLE jobs; --",
  '"quoted"',
  "{braces}",
  "}{",
  "line\r\nbreak",
  "tab\tand\u0000nul",
  "\u0000",
  "a:b:c",
  "a|b,c;d",
  "😀日本語é",
  "__proto__",
  "constructor",
  "toString",
  "-1",
  "0",
  "1e3",
  "nil",
  "*?[a-z]",
  "%s%d",
  '","p":9,"x":"',
  "é",
  "e\u0301",
  "A",
  "i".repeat(10_000),
];

export function payloadClaims(test: ContractTest): void {
  describe("fidelity", () => {
    givenTextClaims(test);
    idTextClaims(test);
    propertyClaims(test);
    otherTextClaims(test);
  });
}

/** What is handed out for these payloads, by way of the delayed road too. */
async function roundTrip(scene: Scene, payloads: readonly string[]): Promise<string[]> {
  const jobs = payloads.map((payload) => newJob({ payload }));
  await scene.push(jobs);
  const got: string[] = [];
  while (got.length < payloads.length) {
    const held = await scene.claim(1_000);
    if (held.length === 0) break;
    got.push(...held.map(({ payload }) => payload));
    await scene.settleAll(held.map((job) => [job, COMPLETED]));
  }
  return got;
}

function givenTextClaims(test: ContractTest): void {
  test("awkward payloads come out byte by byte", async ({ scene }) => {
    expect(await roundTrip(scene, TEXTS)).toEqual(TEXTS);
  });

  test("awkward payloads survive a delay, a retry and a look", async ({ scene }) => {
    const jobs = TEXTS.map((payload) => newJob({ payload, due: { in: 1_000 } }));
    const answers = await scene.push(jobs);
    await scene.world.advance(2_000);
    const first = await scene.claim(1_000);
    await scene.settleAll(first.map((job) => [job, { kind: "handBack" }]));
    const views = await Promise.all(answers.map(({ id }) => scene.view(id)));
    expect(views.map(({ payload }) => payload)).toEqual(TEXTS);
    const again = await scene.claim(1_000);
    expect(again.map(({ payload }) => payload).sort()).toEqual([...TEXTS].sort());
  });

  test("a payload of a MiB comes out byte by byte", async ({ scene }) => {
    const payload = JSON.stringify("日".repeat(349_524));
    expect(Buffer.byteLength(payload)).toBeGreaterThan(1_048_500);
    expect(await roundTrip(scene, [payload])).toEqual([payload]);
  });
}

function idTextClaims(test: ContractTest): void {
  test("awkward ids name their jobs, each its own", async ({ scene }) => {
    await scene.push(IDS.map((id) => newJob({ id, payload: JSON.stringify(id) })));
    for (const id of IDS) {
      const view = await scene.view(id);
      expect([view.id, JSON.parse(view.payload)]).toEqual([id, id]);
    }
    const held = await scene.claim(100);
    expect(held.map(({ id }) => id)).toEqual(IDS);
    await scene.settleAll(held.map((job) => [job, COMPLETED]));
    const again = await scene.push(IDS.map((id) => newJob({ id })));
    expect(again.map(({ id, created, state }) => [id, created, state])).toEqual(
      IDS.map((id) => [id, false, "completed"]),
    );
  });

  test("awkward ids can be cancelled and redriven", async ({ scene }) => {
    await scene.push(IDS.map((id) => newJob({ id })));
    for (const id of IDS) {
      expect(await scene.cancel(id)).toMatchObject({ changed: true });
      expect(await scene.store.redrive({ taskId: TASK, id })).toMatchObject({ redriven: true });
      expect(await scene.stateOf(id)).toBe("ready");
    }
  });

  test("awkward task names keep their jobs apart", async ({ scene }) => {
    const taskIds = IDS.filter((id) => id.length < 1_000);
    await scene.push(taskIds.map((taskId) => newJob({ taskId, payload: JSON.stringify(taskId) })));
    const look = await scene.store.look({ taskIds, ...NO_SCHEDULES, sleepMs: 1_000 });
    expect([...look.taskIds].sort()).toEqual([...taskIds].sort());
    for (const taskId of taskIds) {
      const held = await scene.claim(10, { taskId });
      expect(held.map(({ payload }) => JSON.parse(payload) as unknown)).toEqual([taskId]);
      expect(held[0]?.taskId).toBe(taskId);
    }
  });

  test("awkward schedule names and texts keep their schedules apart", async ({ scene }) => {
    const firstAt = (await scene.world.now()) + 1_000;
    const schedules = IDS.map((scheduleId) => {
      const text = JSON.stringify({ of: scheduleId });
      return schedule({ scheduleId, definition: text, payload: text, overlap: "skip", firstAt });
    });
    await scene.table.registerAll(schedules);
    await scene.world.advance(2_000);
    const seen = (await scene.table.look()).schedules;
    const texts = new Map(schedules.map((s) => [s.scheduleId, s.definition]));
    expect(new Map(seen.map((due) => [due.scheduleId, due.definition]))).toEqual(texts);
    for (const scheduleId of IDS) {
      await scene.table.fire({ scheduleId });
      const held = await scene.claimOne();
      expect([held.payload, held.occurrence?.scheduleId]).toEqual([
        texts.get(scheduleId),
        scheduleId,
      ]);
      expect((await scene.table.detail(scheduleId)).open).toEqual([held.id]);
      await scene.settle(held, COMPLETED);
      expect((await scene.table.detail(scheduleId)).open).toEqual([]);
    }
  });
}

function propertyClaims(test: ContractTest): void {
  const shape = { numRuns: 25, endOnFailure: true };

  test("any JSON text comes out byte by byte", async ({ scene }) => {
    const texts = fc.array(fc.json({ maxDepth: 6, stringUnit: "binary" }), {
      minLength: 1,
      maxLength: 30,
    });
    await fc.assert(
      fc.asyncProperty(texts, async (payloads) => {
        expect(await roundTrip(scene, payloads)).toEqual(payloads);
      }),
      shape,
    );
  });

  test("any text that could be JSON comes out byte by byte, also if it is not", async ({
    scene,
  }) => {
    // JSON knows NUL only as an escape, and not every binding of SQLite reads beyond a bare one.
    const text = fc.string({ unit: "binary" }).filter((given) => !given.includes("\u0000"));
    const texts = fc.array(text, { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(texts, async (payloads) => {
        expect(await roundTrip(scene, payloads)).toEqual(payloads);
      }),
      shape,
    );
  });

  test("any id names its job", async ({ scene }) => {
    const id = fc.string({ unit: "binary", minLength: 1, maxLength: 40 });
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(id, async (text) => {
        // A task of its own for each run: the same id may be drawn twice.
        runs += 1;
        const taskId = `any-id-${runs}`;
        const again = { id: text, created: false };
        expect(await scene.pushOne({ taskId, id: text })).toMatchObject({ created: true });
        expect((await scene.view(text, taskId)).id).toBe(text);
        expect(await scene.pushOne({ taskId, id: text })).toMatchObject(again);
        const held = await scene.claimOne({ taskId });
        expect(held.id).toBe(text);
        await scene.settle(held, COMPLETED);
        expect(await scene.pushOne({ taskId, id: text })).toMatchObject(again);
      }),
      shape,
    );
  });
}

function otherTextClaims(test: ContractTest): void {
  test("results, errors and progress come out as they went in", async ({ scene }) => {
    for (const [index, text] of TEXTS.filter(({ length }) => length > 0).entries()) {
      const held = await scene.running({ id: `ok-${index}` });
      const { taskId, fence, number } = held;
      const progress = [{ taskId, number, value: text }];
      await scene.store.renew({ leases: [{ taskId, fence }], progress });
      expect((await scene.view(held.id)).progress).toBe(text);
      const keep = KEEP_COMPLETED;
      await scene.settle(held, { kind: "completed", result: text }, { keep });
      expect((await scene.view(held.id)).result).toBe(text);
      const failed = await scene.running({ id: `bad-${index}` });
      await scene.settle(failed, { kind: "dead", reason: "rejected", error: text });
      expect((await scene.view(failed.id)).error).toBe(text);
    }
  });

  test("an occurrence and every rule survive retries and a redrive", async ({ scene }) => {
    const occurrence = {
      scheduleId: 'nightly "report" {x}',
      scheduledFor: 1_767_225_600_123,
      isCatchup: true,
      missedCount: 41,
      isTracked: true,
    };
    const given = rules({
      retry: { attempts: 3, waitMs: 0, backoff: "exponential" },
      priority: 9,
      timeoutMs: 1,
    });
    const job = await scene.running({ id: "a", payload: "[1.0]", occurrence, rules: given });
    const kept = { payload: "[1.0]", occurrence, rules: given };
    expect(job).toMatchObject(kept);
    await scene.settle(job, { kind: "dead", reason: "failed", error: null });
    expect(await scene.view("a")).toMatchObject(kept);
    await scene.store.redrive({ taskId: TASK, id: "a" });
    expect(await scene.claimOne()).toMatchObject(kept);
  });
}
