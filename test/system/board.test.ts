/**
 * Claims about memory that two threads share: the event loop's and its deputy's, each as fast as it
 * can. Real threads, since nothing else shows what one sees of the other half-way.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { BASE, HEAD, Main, NEWEST, WINDOW } from "./kit/board-main.js";

const READER = new URL("programs/board-reader.mjs", import.meta.url);

interface Report {
  wrong: string[];
  /** `lease nth` */
  taken: string[];
  passes: number;
  left: number[];
}

async function withReader(
  run: (main: Main, reader: Worker) => Promise<void>,
  { hasRoom = true } = {},
): Promise<void> {
  const main = new Main();
  if (hasRoom) main.makeRoom();
  const { memory } = main.board;
  const workerData = { memory, shared: main.words.buffer, window: WINDOW };
  const reader = new Worker(READER, { workerData });
  try {
    await once(reader, "message");
    await run(main, reader);
  } finally {
    await reader.terminate();
  }
}

/** What is held is seen as a whole, and each job was begun or taken. */
function expectRight(main: Main, report: Report): void {
  expect(report.wrong).toEqual([]);
  const taken = new Set(report.taken);
  expect(taken.size, "a job was taken twice").toBe(report.taken.length);
  expect(taken.size).toBeGreaterThan(100);
  const both = [...main.begun].filter(([job, hasBegun]) => hasBegun === taken.has(job));
  expect(both.slice(0, 5), "begun and taken, or neither").toEqual([]);
  // What was let go while it was read may be there for a moment.
  const left = report.left.filter((id) => main.held.includes(id));
  expect(left.sort((a, b) => a - b)).toEqual(main.held);
}

test("two threads see whole leases, and each job is begun by one or taken by the other", () =>
  withReader(async (main, reader) => {
    const reported = once(reader, "message");
    reader.postMessage({ what: "read", base: BASE });
    main.run();
    const [report] = (await reported) as [Report];
    expect(report.passes).toBeGreaterThan(20);
    expectRight(main, report);
    expect(main.begun.size).toBeGreaterThan(100_000);
  }));

test("jobs that begin in the moment in which they are taken are one or the other", () =>
  withReader(async (main, reader) => {
    const [rounds, jobs] = [30_000, 100];
    const reported = once(reader, "message");
    reader.postMessage({ what: "duel", rounds });
    const begun = main.duel(rounds, jobs);
    const [taken] = (await reported) as [number[]];
    const wrong = begun.flatMap((count, k) =>
      count + taken[k]! === jobs ? [] : [[count, taken[k]]],
    );
    expect(wrong.slice(0, 5)).toEqual([]);
    // Both sides have had some of the same lease.
    expect(begun.filter((count) => count > 0 && count < jobs).length).toBeGreaterThan(0);
  }));

test("a lease that is held while the other side falls asleep is seen", () =>
  withReader(async (main, reader) => {
    const rounds = 30_000;
    const reported = once(reader, "message");
    Atomics.store(main.words, NEWEST, -1);
    reader.postMessage({ what: "doze", base: BASE });
    const called = await main.surprise(rounds);
    main.end();
    const [report] = (await reported) as [Report];
    expect(report.wrong).toEqual([]);
    // Of both there were many: it slept, and it was about to.
    const slept = Atomics.load(main.words, HEAD);
    expect(Math.min(called, slept)).toBeGreaterThan(100);
    expect(rounds - called).toBeGreaterThan(100);
  }));

test("memory that comes while it reads is read, too", () =>
  withReader(
    async (main, reader) => {
      main.onSheet = (sheet) => reader.postMessage({ sheet });
      reader.postMessage({ what: "grow", base: BASE });
      await main.grow(2_000);
      const reported = once(reader, "message");
      main.beginAll();
      main.end();
      reader.postMessage({ what: "report", base: BASE });
      const [report] = (await reported) as [Report];
      expect(main.board.memory.sheets.length).toBeGreaterThan(20);
      expectRight(main, report);
    },
    { hasRoom: false },
  ));

test("a reader that is killed while it reads keeps no place", async () => {
  let found = 0;
  for (let k = 0; k < 20; k += 1) {
    await withReader(async (main, reader) => {
      main.fill();
      const sheets = main.board.memory.sheets.length;
      reader.postMessage({ what: "spin" });
      await new Promise((resolve) => setTimeout(resolve, k % 5));
      await reader.terminate();
      found += main.read;

      main.releaseAll();
      main.board.deputyDied();
      expect(main.read).toBe(0);
      for (let times = 0; times < 3; times += 1) {
        main.fill();
        main.releaseAll();
      }
      expect(main.board.memory.sheets).toHaveLength(sheets);
    });
  }
  expect(found, "none was killed while it read").toBeGreaterThan(0);
});
