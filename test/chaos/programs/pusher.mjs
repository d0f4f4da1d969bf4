/**
 * Pushes without end until told to stop, and notes each push before it goes out, and what became of
 * it. One with an id whose answer is not known is pushed again, until it is known.
 */
import { setTimeout as pause } from "node:timers/promises";
import { createScheduler } from "schedule-mq";
import { historyOf, noteLags } from "./history.mjs";
import { onWord, orders, tell } from "./parent.mjs";

/**
 * @typedef {object} PushKind
 * @property {number} weight how often, relative to the others
 * @property {string} taskId
 * @property {import("./handler.mjs").Deed[][]} plans one is drawn; below 0: up to that
 * @property {boolean} [hasId]
 * @property {boolean} [retries]
 * @property {number} [delayMs] the longest delay
 * @property {number} [blockMs]
 * @property {number} [retryMs] instead of that of all others
 * @property {number} [atMost] so many of each pusher
 * @property {number} [priority]
 * @property {boolean} [tells] how far it is
 * @property {number} [together] so many in one turn of the event loop; default: 1
 */

/**
 * @typedef {object} PusherOrders
 * @property {string} by
 * @property {string} file
 * @property {import("schedule-mq").SchedulerOptions} scheduler
 * @property {PushKind[]} kinds
 * @property {number} everyMs
 * @property {number} seed
 * @property {number} retryMs the retryTimeout of its jobs
 */

/** @type {PusherOrders} */
const { by, file, scheduler: options, kinds, everyMs, seed, retryMs } = orders();
const note = historyOf(file, by);
const scheduler = createScheduler({ ...options, logger: false });
scheduler.on("error", (error) => {
  note("trouble", { code: "code" in error ? error.code : error.name });
});

let state = seed >>> 0;
/** A number from 0 up to 1: mulberry32, so that a seed always gives the same pushes. */
function random() {
  state = (state + 0x6d2b79f5) >>> 0;
  let x = state;
  x = Math.imul(x ^ (x >>> 15), x | 1);
  x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
  return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
}

/** @type {Map<PushKind, number>} */
const drawn = new Map();

function drawKind() {
  const list = kinds.filter((kind) => (drawn.get(kind) ?? 0) < (kind.atMost ?? Infinity));
  let left = random() * list.reduce((sum, { weight }) => sum + weight, 0);
  for (const kind of list) {
    left -= kind.weight;
    if (left >= 0) continue;
    drawn.set(kind, (drawn.get(kind) ?? 0) + 1);
    return kind;
  }
  return undefined;
}

/** Codes that say: nothing was done. */
const REFUSED = new Set(["STORE_UNREACHABLE", "STORE_REFUSED", "STORE_CLOSED", "TOO_MANY_PENDING"]);

const TRIES = 8;

/** @param {string} name @param {PushKind} kind */
async function pushOne(name, kind) {
  const plan = (kind.plans[Math.floor(random() * kind.plans.length)] ?? [0]).map((deed) =>
    typeof deed === "number" && deed < 0 ? Math.round(random() * -deed) : deed,
  );
  const delayMs = kind.delayMs === undefined ? 0 : Math.round(random() * kind.delayMs);
  const push = {
    data: {
      name,
      plan,
      ...(kind.blockMs && { blockMs: kind.blockMs }),
      ...(kind.tells && { tells: true }),
    },
    ...(kind.hasId && { id: name }),
    ...(kind.retries && { retry: true, retryTimeout: kind.retryMs ?? retryMs }),
    ...(delayMs > 0 && { delay: delayMs }),
    ...(kind.priority !== undefined && { priority: kind.priority }),
  };
  const isTwice = kind.hasId && random() < 0.2;
  for (let tries = 0; tries < TRIES; tries += 1) {
    const about = { taskId: kind.taskId, retries: kind.retries === true, delayMs, plan };
    note("push", { name, ...about, hasId: kind.hasId === true, deedsMs: kind.blockMs ?? 0 });
    const answer = await scheduler.push(kind.taskId, push).then(
      ({ created }) => ({ outcome: "ok", created }),
      ({ code }) => ({ outcome: REFUSED.has(code) ? "refused" : "unknown", code }),
    );
    note("pushed", { name, ...answer });
    const isDone = answer.outcome === "ok" ? !isTwice || tries > 0 : !kind.hasId;
    if (isDone) return;
    await pause(100);
  }
}

let isGoing = true;
let count = 0;
/** @type {Set<Promise<void>>} */
const pending = new Set();

/** @param {PushKind | undefined} kind */
function begin(kind) {
  for (let n = 0; n < (kind?.together ?? 1) && kind !== undefined; n += 1) {
    const one = pushOne(`${by}-${count}`, kind);
    count += 1;
    pending.add(one);
    void one.finally(() => pending.delete(one));
  }
}

const SURGE = 150;
onWord((word) => {
  if (word === "stop") isGoing = false;
  if (word === "surge") {
    const kind = { weight: 1, taskId: "once", plans: [[100]] };
    for (let n = 0; n < SURGE; n += 1) begin(kind);
  }
});

note("hello");
noteLags(note);
tell("up");
while (isGoing) {
  begin(drawKind());
  await pause(everyMs);
}
await Promise.all(pending);
note("stopped");
process.channel?.unref();
await scheduler.stop();
