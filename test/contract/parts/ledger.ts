/** The ledger: what became of each occurrence, in the order of their instants, and bounded. */
import { describe, expect } from "vitest";
import type { ContractTest } from "../suite.js";
import { firing, passing, row } from "../timetable.js";
import { HOUR_MS } from "../words.js";

export function ledgerClaims(test: ContractTest): void {
  describe("the ledger", () => {
    entryClaims(test);
    rowClaims(test);
    boundClaims(test);
  });
}

function entryClaims(test: ContractTest): void {
  test("says of what has fired when, how, by whom, and as which job", async ({ scene }) => {
    const at = await scene.table.due();
    const before = await scene.world.now();
    await scene.table.fireAt(at);
    const held = await scene.claimOne();
    const { ledger, now } = await scene.table.detail();
    expect(ledger).toEqual([
      {
        ...{ kind: "fired", scheduledFor: at, firedAt: expect.any(Number), how: "due" },
        ...{ jobId: held.id, instance: expect.stringMatching(/^.{8}$/) },
      },
    ]);
    const [entry] = ledger;
    if (entry?.kind !== "fired") return;
    expect(entry.firedAt).toBeGreaterThanOrEqual(before);
    expect(entry.firedAt).toBeLessThanOrEqual(now);
  });

  test("says of what was given up why, and who decided it when", async ({ scene }) => {
    const at = await scene.table.due();
    const decisions = [passing(at, { reason: "misfire", to: at + 500, count: 6 })];
    await scene.table.fire({ decisions });
    const { ledger, now } = await scene.table.detail();
    expect(ledger).toEqual([
      {
        ...{ kind: "passed", reason: "misfire", from: at, to: at + 500, count: 6 },
        ...{ decidedAt: expect.any(Number), instance: expect.stringMatching(/^.{8}$/) },
      },
    ]);
    const [entry] = ledger;
    if (entry?.kind !== "passed") return;
    expect(entry.decidedAt).toBeGreaterThanOrEqual(at);
    expect(entry.decidedAt).toBeLessThanOrEqual(now);
  });

  test("tells schedulers apart, and names the same one alike", async ({ scene }) => {
    const at = await scene.table.due();
    await scene.world.advance(3 * HOUR_MS);
    const other = await scene.another();
    for (const store of [scene.store, other, scene.store]) await scene.table.fire({ store });
    const [a, b, c] = (await scene.table.detail()).ledger.map(({ instance }) => instance);
    expect(await scene.table.ledger(at)).toHaveLength(3);
    expect(b).not.toBe(a);
    expect(c).toBe(a);
  });

  test("knows what was caught up, and keeps the order of the instants", async ({ scene }) => {
    const at = await scene.table.due();
    const decisions = [
      firing(at + 10, { isCatchup: true, missedCount: 1 }),
      passing(at),
      firing(at + 30),
      passing(at + 20, { reason: "excluded" }),
    ];
    await scene.table.fire({ decisions });
    expect(await scene.table.ledger(at)).toEqual([
      ["misfire", 0, 0, 1],
      ["catchup", 10],
      ["excluded", 20, 20, 1],
      ["due", 30],
    ]);
  });

  test("keeps what has fired when its job has ended", async ({ scene }) => {
    const at = await scene.table.due({ overlap: "skip" });
    await scene.table.fireAt(at);
    await scene.settle(await scene.claimOne(), { kind: "completed", result: null });
    expect(await scene.table.ledger(at)).toEqual([["due", 0]]);
  });
}

function rowClaims(test: ContractTest): void {
  test("makes one row of neighbours with the same reason, over several calls", async ({
    scene,
  }) => {
    const at = await scene.table.due();
    await scene.world.advance(3 * HOUR_MS);
    for (let n = 0; n < 3; n += 1) {
      const from = at + n * HOUR_MS;
      await scene.table.fire({ decisions: [passing(from, { to: from + 5, count: 2 })] });
    }
    const [row] = await scene.table.ledger(at);
    expect(await scene.table.ledger(at)).toHaveLength(1);
    expect(row).toEqual(["misfire", 0, 2 * HOUR_MS + 5, 6]);
  });

  test("keeps rows apart that differ in their reasons", async ({ scene }) => {
    const at = await scene.table.due();
    const reasons = ["misfire", "excluded", "excluded", "misfire"] as const;
    const decisions = reasons.map((reason, n) => passing(at + n, { reason }));
    await scene.table.fire({ decisions });
    expect(await scene.table.ledger(at)).toEqual([
      ["misfire", 0, 0, 1],
      ["excluded", 1, 2, 2],
      ["misfire", 3, 3, 1],
    ]);
  });

  test("keeps rows apart between which something has fired", async ({ scene }) => {
    const at = await scene.table.due();
    await scene.table.fire({ decisions: [passing(at), firing(at + 1), passing(at + 2)] });
    expect(await scene.table.ledger(at)).toEqual([
      ["misfire", 0, 0, 1],
      ["due", 1],
      ["misfire", 2, 2, 1],
    ]);
  });
}

function boundClaims(test: ContractTest): void {
  test("keeps the latest hundred that fired", async ({ scene }) => {
    const at = await scene.table.due();
    await scene.world.advance(200_000);
    await scene.table.fire({ nextAt: at + 100_000, decisions: row(at, 100) });
    await scene.table.fire({ nextAt: null, decisions: row(at + 100_000, 30) });
    const kept = await scene.table.ledger(at);
    expect(kept).toHaveLength(100);
    expect([kept[0], kept.at(-1)]).toEqual([
      ["due", 30_000],
      ["due", 129_000],
    ]);
    expect((await scene.table.detail()).firedCount).toBe(130);
  });

  test("keeps the latest hundred rows that did not fire, beside them", async ({ scene }) => {
    const at = await scene.table.due();
    const passed = row(at + 1, 130, (from) =>
      passing(from, { reason: (from - at) % 2_000 === 1 ? "misfire" : "excluded" }),
    );
    await scene.table.fire({ decisions: [firing(at), ...passed] });
    const kept = await scene.table.ledger(at);
    expect(kept).toHaveLength(101);
    expect(kept[0]).toEqual(["due", 0]);
    expect(kept[1]).toEqual(["misfire", 30_001, 30_001, 1]);
    expect(kept.at(-1)).toEqual(["excluded", 129_001, 129_001, 1]);
  });

  test("lets no number of rows push out what has fired", async ({ scene }) => {
    const at = await scene.table.due();
    await scene.table.fire({ nextAt: at + 1, decisions: [firing(at)] });
    for (let n = 0; n < 3; n += 1) {
      const from = at + 1 + n * 100_000;
      const passed = row(from, 100, (each) =>
        passing(each, { reason: ((each - at) / 1_000) % 2 < 1 ? "misfire" : "excluded" }),
      );
      await scene.table.fire({ seenAt: n === 0 ? at + 1 : null, nextAt: null, decisions: passed });
    }
    expect(await scene.table.ledger(at)).toHaveLength(101);
  });
}
