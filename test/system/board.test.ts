/**
 * Claims about memory that two threads share: the event loop's and its deputy's, each as fast as it
 * can. Real threads, since nothing else shows what one sees of the other half-way.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";

type Board = import("../../src/loops/deputy/board.js").Board;

const { Board } = (await import(
  new URL("../../dist/loops/deputy/board.js", import.meta.url).href
)) as { Board: new (onSheet: () => void) => Board };

const READER = new URL("programs/board-reader.mjs", import.meta.url);

/** Fences are numbers of 16 digits; the jobs of a lease are those behind its own. */
const BASE = 1_700_000_000_000_000;
const LEASES = 20_000;
const MOST_HELD = 200;
/** All that are held are among so many of the newest. */
const WINDOW = 1_000;
/** Where another process has the core, a thread sleeps after so many looks. */
const SPINS = 1_000;
const [CLOCK, NEWEST, OVER, HEAD] = [0, 1, 2, 3];

interface Report {
  wrong: string[];
  /** `lease nth` */
  taken: string[];
  passes: number;
  left: number[];
}

/** The main thread's side: holds leases, begins their jobs, releases them. */
class Main {
  readonly board = new Board(() => {});
  readonly words = new Int32Array(new SharedArrayBuffer(4 * (HEAD + 2 * LEASES)));
  /** Jobs that were asked for: did they begin? */
  readonly begun = new Map<string, boolean>();
  readonly #held: { id: number; place: number; jobs: number }[] = [];
  #next = 0;
  #dice = 1;

  /** Memory for all of them is there before the other side begins. */
  makeRoom(): void {
    const places = Array.from({ length: 2 * MOST_HELD }, () => this.#holdAny(1));
    for (const place of places) this.board.release(place);
  }

  /** Begins the jobs of one lease while they are being taken: how many of each round. */
  duel(rounds: number, jobs: number): number[] {
    return Array.from({ length: rounds }, (_, k) => {
      const place = this.#holdAny(jobs);
      Atomics.store(this.words, CLOCK, k + 1);
      Atomics.notify(this.words, CLOCK);
      // The other side comes to it after some µs: a bit later each time, so that they meet.
      for (let wait = k % 800; wait > 0; wait -= 1) Atomics.load(this.words, NEWEST);
      let begun = 0;
      for (let nth = jobs - 1; nth >= 0; nth -= 1) {
        if (this.board.mayBegin(place, nth)) begun += 1;
      }
      for (let spins = 0; Atomics.load(this.words, OVER) !== k + 1; spins += 1) {
        if (spins > SPINS) Atomics.wait(this.words, OVER, k, 1);
      }
      this.board.release(place);
      return begun;
    });
  }

  #holdAny(count: number): number {
    const jobs = Array.from({ length: count }, (_, k) => ({ number: String(BASE + k) }));
    const fence = String(BASE);
    return this.board.hold({ fence, task: 0, shard: 0, leaseMs: 1, limitMs: 0, jobs });
  }

  run(): void {
    while (this.#next < LEASES) {
      if (this.#held.length < MOST_HELD && this.#random(5) < 3) this.#hold();
      else if (this.#held.length > 0) this.#release();
      if (this.#random(16) === 0) this.board.beat();
    }
    for (let left = 50; left > 0 && this.#held.length > left; ) this.#release();
    Atomics.store(this.words, OVER, 1);
  }

  get held(): number[] {
    return this.#held.map(({ id }) => id).sort((a, b) => a - b);
  }

  #hold(): void {
    const id = this.#next;
    this.#next += 1;
    const count = 1 + this.#random(100);
    const fence = String(BASE + id);
    const jobs = Array.from({ length: count }, (_, k) => ({ number: String(BASE + id + 1 + k) }));
    Atomics.store(this.words, NEWEST, id);
    const lease = { fence, task: id % 1_000, shard: id % 16, leaseMs: id + 1, limitMs: 2 * id };
    const place = this.board.hold({ ...lease, jobs });
    Atomics.store(this.words, HEAD + id, Atomics.add(this.words, CLOCK, 1) + 1);
    this.#held.push({ id, place, jobs: count });
  }

  /** One of the oldest, so that all that are held are near each other. */
  #release(): void {
    const [lease] = this.#held.splice(this.#random(Math.min(8, this.#held.length)), 1);
    if (lease === undefined) return;
    for (let nth = 0; nth < lease.jobs; nth += 1) {
      this.begun.set(`${lease.id} ${nth}`, this.board.mayBegin(lease.place, nth));
    }
    Atomics.store(this.words, HEAD + LEASES + lease.id, 1);
    this.board.release(lease.place);
  }

  #random(below: number): number {
    this.#dice = (Math.imul(this.#dice, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (this.#dice >> 8) % below;
  }
}

async function withReader(run: (main: Main, reader: Worker) => Promise<void>): Promise<void> {
  const main = new Main();
  main.makeRoom();
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

test("two threads see whole leases, and each job is begun by one or taken by the other", () =>
  withReader(async (main, reader) => {
    const reported = once(reader, "message");
    reader.postMessage({ base: BASE });
    main.run();
    const [report] = (await reported) as [Report];
    expect(report.wrong).toEqual([]);
    expect(report.passes).toBeGreaterThan(20);
    const taken = new Set(report.taken);
    expect(taken.size, "a job was taken twice").toBe(report.taken.length);
    expect(taken.size).toBeGreaterThan(100);
    const both = [...main.begun].filter(([job, hasBegun]) => hasBegun === taken.has(job));
    expect(both.slice(0, 5), "begun and taken, or neither").toEqual([]);
    expect(main.begun.size).toBeGreaterThan(100_000);
    const left = report.left.filter((id) => main.held.includes(id));
    expect(left.sort((a, b) => a - b)).toEqual(main.held);
  }));

test("jobs that begin in the moment in which they are taken are one or the other", () =>
  withReader(async (main, reader) => {
    const [rounds, jobs] = [30_000, 100];
    const reported = once(reader, "message");
    reader.postMessage({ rounds });
    const begun = main.duel(rounds, jobs);
    const [taken] = (await reported) as [number[]];
    const wrong = begun.flatMap((count, k) =>
      count + taken[k]! === jobs ? [] : [[count, taken[k]]],
    );
    expect(wrong.slice(0, 5)).toEqual([]);
    // Both sides have had some of the same lease.
    expect(begun.filter((count) => count > 0 && count < jobs).length).toBeGreaterThan(0);
  }));
