/** What a scenario is made of, and what all scenarios have in common. */
import type { Rules } from "../check/case.js";
import type { Strike } from "../nemeses/processes.js";
import type { PushKind } from "../programs/pusher.mjs";
import type { Arena, Setup } from "./arena.js";

export interface Scenario {
  name: string;
  setup: Setup;
  /** Drawn in rounds, with a pause before each: none is left out, however short the time. */
  strikes: readonly Strike[];
  pauseMs: readonly [low: number, high: number];
  /** How many strike at once. */
  hands: number;
  /** False: a strike has not hit all that it is for, so the time for faults is longer. */
  isThrough: (arena: Arena) => boolean;
}

export const LEASE_MS = 2_000;

export const RULES: Omit<Rules, "schedules"> = {
  leaseMs: LEASE_MS,
  pollMs: 500,
  retryMs: 500,
  stopMs: 2_000,
};

/** Short and long, failing and retried, delayed, with an id and without. */
const USUAL: readonly PushKind[] = [
  { weight: 35, taskId: "once", plans: [[0], [-40], [-150]] },
  { weight: 10, taskId: "once", plans: [[-30]], hasId: true },
  { weight: 20, taskId: "again", plans: [[0], [-60], ["fail", -30]], retries: true },
  { weight: 10, taskId: "again", plans: [[-30], ["fail", 0]], retries: true, hasId: true },
  { weight: 12, taskId: "late", plans: [[0]], delayMs: 2_500 },
  { weight: 2, taskId: "long", plans: [[-2.5 * LEASE_MS]], retries: true },
  { weight: 2, taskId: "long", plans: [[-2.5 * LEASE_MS]] },
  // Stored as one record, and claimed in parts of it.
  { weight: 0.6, taskId: "many", plans: [[0], [-40]], together: 40 },
  { weight: 0.6, taskId: "many", plans: [[0], [-40], ["fail", 0]], retries: true, together: 40 },
];

/** Their processes die in the handler, or between its end and the settle. */
const DEADLY: readonly PushKind[] = [
  {
    weight: 1,
    taskId: "again",
    plans: [
      ["kill", 0],
      ["killAfter", 0],
    ],
    retries: true,
  },
  { weight: 0.5, taskId: "once", plans: [["kill"], ["killAfter"]] },
];

/** A job that kills whoever runs it; each pusher pushes one. */
const POISON: readonly PushKind[] = [
  { weight: 5, taskId: "again", plans: [["kill"]], retries: true, retryMs: 1, atMost: 1 },
];

/** Handlers that hold up the event loop, for longer than the lease or for a moment. */
const BLOCKING: readonly PushKind[] = [
  { weight: 0.4, taskId: "once", plans: [["block"]], blockMs: 1.6 * LEASE_MS },
  { weight: 0.4, taskId: "again", plans: [["block"]], retries: true, blockMs: 1.2 * LEASE_MS },
  { weight: 5, taskId: "again", plans: [["block"]], retries: true, blockMs: 200 },
];

/** What needs keys that others do without: of priorities, progress, and what has ended. */
const RICH: readonly PushKind[] = [
  // So many that some of them wait.
  { weight: 9, taskId: "long", plans: [[-2.5 * LEASE_MS]], retries: true, priority: 3 },
  { weight: 3, taskId: "once", plans: [[-60]], priority: -3 },
  { weight: 3, taskId: "long", plans: [[-2.5 * LEASE_MS]], retries: true, tells: true },
  { weight: 3, taskId: "once", plans: [["fail"]] },
];

const SCHEDULES: Setup["schedules"] = [
  { taskId: "cron", scheduleId: "cron", every: 1_000 },
  { taskId: "cronAgain", scheduleId: "cronAgain", every: 1_000, retry: true, retryTimeout: 500 },
];

const SETUP: Setup = {
  store: { kind: "redis", server: "redis-server", persistence: "always" },
  needsShim: false,
  workers: 3,
  pushers: 2,
  registrars: 0,
  kinds: USUAL,
  everyMs: 60,
  schedules: SCHEDULES,
  clocksWrongByMs: 0,
  isLate: false,
  tasks: { once: 4, again: 4, late: 4, long: 4, cron: 4, cronAgain: 4, many: 20 },
  scheduler: {},
};

const KINDS = { USUAL, DEADLY, POISON, BLOCKING, RICH };

interface Wishes extends Partial<Omit<Setup, "kinds">> {
  /** Beside the usual ones. */
  kinds?: readonly Exclude<keyof typeof KINDS, "USUAL">[];
  strikes: readonly Strike[];
  pauseMs?: readonly [low: number, high: number];
  hands?: number;
  isThrough?: (arena: Arena) => boolean;
}

const always = () => true;

export function scenario(name: string, wishes: Wishes): Scenario {
  const { strikes, pauseMs = [500, 1_500], hands = 1, kinds = [], ...rest } = wishes;
  const { isThrough = always, ...setup } = rest;
  const all = [...USUAL, ...kinds.flatMap((kind) => KINDS[kind])];
  return { name, strikes, pauseMs, hands, isThrough, setup: { ...SETUP, ...setup, kinds: all } };
}
