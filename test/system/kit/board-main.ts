/**
 * The main thread's side of a board, as tests play it as fast as they can against a thread that
 * reads: `programs/board-reader.mjs`.
 */

type Board = import("../../../src/loops/deputy/board.js").Board;

const { Board } = (await import(
  new URL("../../../dist/loops/deputy/board.js", import.meta.url).href
)) as {
  Board: new (onSheet: (sheet: SharedArrayBuffer) => void) => Board;
};

/** Fences are numbers of 16 digits; the jobs of a lease are those behind its own. */
export const BASE = 1_700_000_000_000_000;
const LEASES = 20_000;
const MOST_HELD = 200;
/** All that are held are among so many of the newest. */
export const WINDOW = 1_000;
/** Where another process has the core, a thread sleeps after so many looks. */
const SPINS = 1_000;
export const [CLOCK, NEWEST, OVER, HEAD] = [0, 1, 2, 3];
/** Whole numbers of a lease on the board; the first says that it is being read. */
const [INTS, READ] = [8, 2];

/** The main thread's side: holds leases, begins their jobs, releases them. */
export class Main {
  onSheet: (sheet: SharedArrayBuffer) => void = () => {};
  readonly board = new Board((sheet) => this.onSheet(sheet));
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

  /**
   * Holds a lease in the moment in which the other side may fall asleep, round after round; in how
   * many it had. Throws when it is not seen: whoever is called, or sees it, does not sleep.
   */
  async surprise(rounds: number): Promise<number> {
    let asleep = 0;
    for (let k = 0; k < rounds; k += 1) {
      const place = this.#holdAny(1, k);
      if (this.board.isDeputyAsleep) {
        asleep += 1;
        this.#call();
      }
      const endsAt = performance.now() + 5_000;
      for (let spins = 0; Atomics.load(this.words, NEWEST) !== k; spins += 1) {
        if (spins > SPINS) Atomics.wait(this.words, NEWEST, k - 1, 1);
        if (performance.now() > endsAt) throw new Error(`it sleeps in round ${k}`);
      }
      this.board.release(place);
      for (let wait = k % 2_000; wait > 0; wait -= 1) Atomics.load(this.words, NEWEST);
      if (k % 1_000 === 0) await turn();
    }
    return asleep;
  }

  /** As its owner does, whose message comes once. */
  #call(): void {
    this.board.wakeDeputy();
    Atomics.add(this.words, CLOCK, 1);
    Atomics.notify(this.words, CLOCK);
  }

  end(): void {
    Atomics.store(this.words, OVER, 1);
    this.#call();
  }

  /** More and more leases, some jobs of which begin. */
  async grow(leases: number): Promise<void> {
    while (this.#next < leases) {
      this.#hold();
      this.#ask(this.#held.at(-1)!, 0);
      if (this.#random(4) === 0) this.#release();
      if (this.#next % 50 === 0) await turn();
    }
  }

  /** Asks for all jobs that are left. */
  beginAll(): void {
    for (const lease of this.#held) {
      for (let nth = 0; nth < lease.jobs; nth += 1) this.#ask(lease, nth);
    }
  }

  releaseAll(): void {
    for (const { place } of this.#held.splice(0)) this.board.release(place);
  }

  fill(): void {
    while (this.#held.length < MOST_HELD) this.#hold();
  }

  /** Leases that somebody is reading. */
  get read(): number {
    const states = this.board.memory.sheets.flatMap((sheet) => {
      const ints = new Int32Array(sheet, 0, 64 * INTS);
      return Array.from({ length: 64 }, (_, k) => ints[k * INTS]);
    });
    return states.filter((state) => state === READ).length;
  }

  #holdAny(count: number, id = 0): number {
    const jobs = Array.from({ length: count }, (_, k) => ({ number: String(BASE + k) }));
    const lease = { task: id % 1_000, shard: id % 16, leaseMs: id + 1, limitMs: 2 * id };
    return this.board.hold({ ...lease, fence: String(BASE + id), jobs });
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
      this.#ask(lease, nth);
    }
    Atomics.store(this.words, HEAD + LEASES + lease.id, 1);
    this.board.release(lease.place);
  }

  /** Once for each job. */
  #ask({ id, place }: { id: number; place: number }, nth: number): void {
    const job = `${id} ${nth}`;
    if (!this.begun.has(job)) this.begun.set(job, this.board.mayBegin(place, nth));
  }

  #random(below: number): number {
    this.#dice = (Math.imul(this.#dice, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (this.#dice >> 8) % below;
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
