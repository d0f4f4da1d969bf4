/**
 * What the main thread and its deputy both see: a sign of life, and the leases that are held.
 * It is memory and not messages, because a loop that is blocked sends none, and because a lease
 * has to stand here before the first of its handlers can block anything. Who may do what:
 *  1. only the main thread holds and releases; a lease that is being read is released later
 *  2. a job that has not begun is one bit. Whoever clears it decides about the job: the main
 *     thread to begin it, the deputy to hand it back. Clearing tells what the bit was, in one
 *     step, so it is never both
 */

/** So many jobs of a lease have a bit; stores claim no more under one. */
const JOBS = 100;
const LEASES_PER_SHEET = 64;

/** Whole numbers of a lease. */
const STATE = 0;
const TASK = 1;
const COUNT = 2;
const SHARD = 3;
const BITS = 4;
const BIT_WORDS = Math.ceil(JOBS / 32);
const INTS = BITS + BIT_WORDS;

/** Its other numbers: then come those of its jobs. */
const FENCE = 0;
const LENGTH = 1;
const LIMIT = 2;
const NUMBERS = 3;
const FLOATS = NUMBERS + JOBS;

/** States of a lease. */
const FREE = 0;
const HELD = 1;
const READ = 2;

/** Words beside the leases. */
const BEAT = 0;
const OPEN = 1;
const ASLEEP = 2;

export interface LeaseOnBoard {
  fence: string;
  /** Which of the bound tasks. */
  task: number;
  /** Where the store has it. */
  shard: number;
  leaseMs: number;
  /** How long after the main thread's last sign of life it may be renewed. */
  limitMs: number;
  /** Jobs that had not begun and now must not, as they were taken by this reading. */
  taken: string[];
}

/** Pieces of the board that a thread is given. */
export interface BoardMemory {
  words: SharedArrayBuffer;
  sheets: SharedArrayBuffer[];
}

interface Sheet {
  ints: Int32Array;
  floats: Float64Array;
}

const INTS_BYTES = LEASES_PER_SHEET * INTS * Int32Array.BYTES_PER_ELEMENT;
const FLOATS_AT = Math.ceil(INTS_BYTES / 8) * 8;

function sheetOf(memory: SharedArrayBuffer): Sheet {
  return {
    ints: new Int32Array(memory, 0, LEASES_PER_SHEET * INTS),
    floats: new Float64Array(memory, FLOATS_AT, LEASES_PER_SHEET * FLOATS),
  };
}

function newSheet(): SharedArrayBuffer {
  const floats = LEASES_PER_SHEET * FLOATS * Float64Array.BYTES_PER_ELEMENT;
  return new SharedArrayBuffer(FLOATS_AT + floats);
}

/** What a lease is written from. */
export interface LeaseToHold {
  fence: string;
  task: number;
  shard: number;
  leaseMs: number;
  limitMs: number;
  /** Its jobs, none of them begun. */
  jobs: readonly { readonly number: string }[];
}

/** The main thread's side. */
export class Board {
  readonly memory: BoardMemory = { words: new SharedArrayBuffer(12), sheets: [] };
  readonly #words: Int32Array = new Int32Array(this.memory.words);
  readonly #sheets: Sheet[] = [];
  readonly #free: number[] = [];
  /** Released, but the deputy was reading them. */
  #late: number[] = [];
  readonly #onSheet: (sheet: SharedArrayBuffer) => void;

  /** `onSheet`: told of each further piece of memory. */
  constructor(onSheet: (sheet: SharedArrayBuffer) => void) {
    this.#onSheet = onSheet;
  }

  beat(): void {
    Atomics.add(this.#words, BEAT, 1);
    if (this.#late.length > 0) this.#freeLate();
  }

  get isDeputyAsleep(): boolean {
    return Atomics.load(this.#words, ASLEEP) === 1;
  }

  wakeDeputy(): void {
    Atomics.store(this.#words, ASLEEP, 0);
  }

  /** Where the lease stands from now on. */
  hold({ fence, task, shard, leaseMs, limitMs, jobs }: LeaseToHold): number {
    const place = this.#free.pop() ?? this.#more();
    const { ints, floats } = this.#sheets[Math.floor(place / LEASES_PER_SHEET)]!;
    const i = (place % LEASES_PER_SHEET) * INTS;
    const f = (place % LEASES_PER_SHEET) * FLOATS;
    floats[f + FENCE] = Number(fence);
    floats[f + LENGTH] = leaseMs;
    floats[f + LIMIT] = limitMs;
    const count = Math.min(jobs.length, JOBS);
    for (let nth = 0; nth < count; nth += 1) floats[f + NUMBERS + nth] = Number(jobs[nth]!.number);
    ints[i + TASK] = task;
    ints[i + COUNT] = count;
    ints[i + SHARD] = shard;
    for (let word = 0; word < BIT_WORDS; word += 1) {
      const bits = Math.min(32, Math.max(0, count - word * 32));
      ints[i + BITS + word] = bits === 32 ? -1 : (1 << bits) - 1;
    }
    // Ordered: whoever sees this sees all that was written before.
    Atomics.store(ints, i + STATE, HELD);
    Atomics.add(this.#words, OPEN, 1);
    return place;
  }

  /** Asked once for each job, right before it begins. False: the deputy hands it back. */
  mayBegin(place: number, nth: number): boolean {
    if (nth >= JOBS) return true;
    const { ints } = this.#sheets[Math.floor(place / LEASES_PER_SHEET)]!;
    const at = (place % LEASES_PER_SHEET) * INTS + BITS + (nth >> 5);
    const bit = 1 << (nth & 31);
    return (Atomics.and(ints, at, ~bit) & bit) !== 0;
  }

  release(place: number): void {
    Atomics.sub(this.#words, OPEN, 1);
    if (this.#tryToFree(place)) this.#free.push(place);
    else this.#late.push(place);
  }

  /** The deputy is gone: it reads nothing any more. */
  deputyDied(): void {
    for (const { ints } of this.#sheets) {
      for (let i = STATE; i < ints.length; i += INTS) Atomics.compareExchange(ints, i, READ, HELD);
    }
    this.wakeDeputy();
    this.#freeLate();
  }

  #freeLate(): void {
    const late = this.#late;
    this.#late = [];
    for (const place of late) {
      if (this.#tryToFree(place)) this.#free.push(place);
      else this.#late.push(place);
    }
  }

  #tryToFree(place: number): boolean {
    const { ints } = this.#sheets[Math.floor(place / LEASES_PER_SHEET)]!;
    const at = (place % LEASES_PER_SHEET) * INTS + STATE;
    return Atomics.compareExchange(ints, at, HELD, FREE) === HELD;
  }

  #more(): number {
    const memory = newSheet();
    const first = this.#sheets.length * LEASES_PER_SHEET;
    this.#sheets.push(sheetOf(memory));
    this.memory.sheets.push(memory);
    for (let k = LEASES_PER_SHEET - 1; k > 0; k -= 1) this.#free.push(first + k);
    this.#onSheet(memory);
    return first;
  }
}

/** The deputy's side. */
export class BoardView {
  readonly #words: Int32Array;
  readonly #sheets: Sheet[];

  constructor({ words, sheets }: BoardMemory) {
    this.#words = new Int32Array(words);
    this.#sheets = sheets.map(sheetOf);
  }

  addSheet(memory: SharedArrayBuffer): void {
    this.#sheets.push(sheetOf(memory));
  }

  /** Another number at each sign of life. */
  get beats(): number {
    return Atomics.load(this.#words, BEAT);
  }

  get isEmpty(): boolean {
    return Atomics.load(this.#words, OPEN) === 0;
  }

  /** False: a lease was held in this moment. Else the main thread will call. */
  fallAsleep(): boolean {
    Atomics.store(this.#words, ASLEEP, 1);
    // Both sides write first and read then, so that one of them sees the other.
    if (this.isEmpty) return true;
    this.wakeUp();
    return false;
  }

  wakeUp(): void {
    Atomics.store(this.#words, ASLEEP, 0);
  }

  /** All leases that are held. `takes`: jobs that have not begun are taken. */
  leases({ takes }: { takes: boolean }): LeaseOnBoard[] {
    const found: LeaseOnBoard[] = [];
    for (const sheet of this.#sheets) {
      for (let at = 0; at < LEASES_PER_SHEET; at += 1) {
        const state = at * INTS + STATE;
        // Until it is let go, what it says stays.
        if (Atomics.compareExchange(sheet.ints, state, HELD, READ) !== HELD) continue;
        found.push(readLease(sheet, at, takes));
        Atomics.store(sheet.ints, state, HELD);
      }
    }
    return found;
  }
}

function readLease({ ints, floats }: Sheet, at: number, takes: boolean): LeaseOnBoard {
  const i = at * INTS;
  const f = at * FLOATS;
  const taken: string[] = [];
  for (let word = 0; takes && word < BIT_WORDS; word += 1) {
    const bits = Atomics.exchange(ints, i + BITS + word, 0);
    for (let bit = 0; bits !== 0 && bit < 32; bit += 1) {
      if ((bits & (1 << bit)) !== 0) taken.push(digits(floats[f + NUMBERS + word * 32 + bit]!));
    }
  }
  return {
    fence: digits(floats[f + FENCE]!),
    task: ints[i + TASK]!,
    shard: ints[i + SHARD]!,
    leaseMs: floats[f + LENGTH]!,
    limitMs: floats[f + LIMIT]!,
    taken,
  };
}

/** Fences and numbers have 16 digits everywhere, which a double carries exactly: below 2^53. */
function digits(number: number): string {
  return String(number).padStart(16, "0");
}
