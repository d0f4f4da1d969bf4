/**
 * The deputy's side of a board, in a thread of its own, as fast as it can: reads what is held, now
 * and then takes what has not begun, and says what it saw that must not be.
 */
import { parentPort, workerData } from "node:worker_threads";

/** @typedef {import("../../../src/loops/deputy/board.js").BoardMemory} BoardMemory */

const { BoardView } = await import(
  new URL("../../../dist/loops/deputy/board.js", import.meta.url).href
);

/** @type {{ memory: BoardMemory, shared: SharedArrayBuffer, window: number }} */
const { memory, shared, window } = workerData;
const view = new BoardView(memory);

/** Words of the test's own, then for each lease when it was held, and when it was let go. */
const words = new Int32Array(shared);
const [CLOCK, NEWEST, OVER, HEAD] = [0, 1, 2, 3];
/** Where another process has the core, a thread sleeps after so many looks. */
const SPINS = 1_000;
const leases = (words.length - HEAD) / 2;

/** @type {string[]} */
const wrong = [];
/** @type {string[]} */
const taken = [];
let passes = 0;

/** @param {string} what */
function complain(what) {
  if (wrong.length < 20) wrong.push(what);
}

/**
 * What a lease says follows from its fence, as the test writes it.
 * @param {import("../../../src/loops/deputy/board.js").LeaseOnBoard} lease
 * @param {number} base
 */
function examine({ fence, task, shard, leaseMs, limitMs, taken: jobs }, base) {
  const id = Number(fence) - base;
  if (task !== id % 1_000 || shard !== id % 16 || leaseMs !== id + 1 || limitMs !== 2 * id) {
    complain(`half of a lease: ${JSON.stringify({ id, task, shard, leaseMs, limitMs })}`);
  }
  for (const job of jobs) {
    const nth = Number(job) - Number(fence) - 1;
    if (nth < 0 || nth > 99) complain(`job ${job} is not of lease ${fence}`);
    taken.push(`${id} ${nth}`);
  }
  return id;
}

function pass(/** @type {number} */ base, /** @type {boolean} */ takes) {
  const before = Atomics.load(words, CLOCK);
  const found = new Set();
  for (const lease of view.leases({ takes })) {
    const id = examine(lease, base);
    if (found.has(id)) complain(`lease ${id} stands there twice`);
    found.add(id);
  }
  const newest = Atomics.load(words, NEWEST);
  for (let id = Math.max(0, newest - window); id <= newest; id += 1) {
    const heldAt = Atomics.load(words, HEAD + id);
    const isHeld = heldAt !== 0 && heldAt <= before;
    if (isHeld && Atomics.load(words, HEAD + leases + id) === 0 && !found.has(id)) {
      complain(`lease ${id} was held all the time, and not seen`);
    }
  }
  passes += 1;
}

/**
 * Takes what has not begun of a lease, round after round, in the same moment as its jobs begin.
 * Says how many those were, for each round.
 * @param {number} rounds
 */
function duel(rounds) {
  const counts = [];
  for (let round = 1; round <= rounds; round += 1) {
    for (let spins = 0; Atomics.load(words, CLOCK) !== round; spins += 1) {
      if (spins > SPINS) Atomics.wait(words, CLOCK, round - 1, 1);
    }
    counts.push(view.leases({ takes: true })[0]?.taken.length);
    Atomics.store(words, OVER, round);
    Atomics.notify(words, OVER);
  }
  return counts;
}

/** Sleeps whenever nothing is held, until it is called; says which lease it has seen last. */
function doze(/** @type {number} */ base) {
  for (let calls = 0; Atomics.load(words, OVER) === 0; calls = Atomics.load(words, CLOCK)) {
    const [lease] = view.leases({ takes: false });
    if (lease !== undefined) {
      Atomics.store(words, NEWEST, examine(lease, base));
      Atomics.notify(words, NEWEST);
    }
    if (!view.isEmpty || !view.fallAsleep()) continue;
    Atomics.add(words, HEAD, 1);
    // A call that came since is no longer waited for, as a message would be there.
    Atomics.wait(words, CLOCK, calls);
  }
}

/** Looks between messages, some of which bring more memory. */
function grow(/** @type {number} */ base) {
  if (Atomics.load(words, OVER) !== 0) return;
  for (const lease of view.leases({ takes: passes % 3 === 0 })) examine(lease, base);
  passes += 1;
  setImmediate(grow, base);
}

function report(/** @type {number} */ base) {
  const left = view
    .leases({ takes: false })
    .map((/** @type {any} */ one) => Number(one.fence) - base);
  parentPort?.postMessage({ wrong, taken, passes, left });
}

parentPort?.on("message", ({ base, what, rounds, sheet }) => {
  if (sheet !== undefined) view.addSheet(sheet);
  if (what === "duel") parentPort?.postMessage(duel(rounds));
  if (what === "grow") grow(base);
  if (what === "doze") doze(base);
  while (what === "spin") view.leases({ takes: true });
  if (what === "read") {
    while (Atomics.load(words, OVER) === 0) pass(base, passes % 3 === 0);
    pass(base, false);
  }
  if (what === "read" || what === "report" || what === "doze") report(base);
});
parentPort?.postMessage("ready");
