/** Every scenario of the fault tests, by name. */
import type { Arena } from "./kit/arena.js";
import { type Scenario, scenario } from "./kit/scenario.js";
import { deleteKeys, neverReplaced, replaceKeys, spared } from "./nemeses/data.js";
import { cutMachinePower, lockFile } from "./nemeses/file.js";
import * as network from "./nemeses/network.js";
import { freeze, killPusher, killWorker, restartWorker, type Strike } from "./nemeses/processes.js";
import * as server from "./nemeses/server.js";

const redis = (persistence: "always" | "everysec" | "snapshots" | "none") =>
  ({ store: { kind: "redis", server: "redis-server", persistence } }) as const;
const valkey = {
  store: { kind: "redis", server: "valkey-server", persistence: "always" },
} as const;
const file = (durability: "fsync" | "store") =>
  ({ store: { kind: "sqlite", durability } }) as const;

/** Every kind of key is there at times, and all have had their turn at the end. */
const everyKey = {
  kinds: ["RICH"],
  scheduler: { retention: { completed: { count: 1_000 } } },
  pauseMs: [100, 400],
  isThrough: (arena: Arena) => spared(arena).length === 0,
} as const;

const KILLS: readonly Strike[] = [killWorker, killWorker, killPusher];
const FREEZES: readonly Strike[] = [0.5, 0.99, 1.2, 3].map(freeze);
const NETWORK: readonly Strike[] = [
  network.hold,
  network.halfOpen,
  network.requestsLost,
  network.repliesLost,
  network.reset,
  network.refuse,
];
const HICCUPS: readonly Strike[] = [
  server.freezeServer,
  server.pauseAll,
  server.pauseWrites,
  server.killClients("normal"),
  server.killClients("pubsub"),
  server.flushScripts,
  server.outOfMemory,
  server.readOnly,
  server.denied,
  server.busy,
];

/** A server that is dead can neither be stopped nor told anything. */
const inTurn = (strikes: readonly Strike[]): Strike[] =>
  strikes.map((strike) => (arena) => arena.inTurn(() => strike(arena)));

/** The store arrives when processes have waited for it for some seconds. */
const arrive: Strike = async (arena) => {
  if (arena.setup.isLate && !arena.redis.isUp) {
    await arena.fault("down: late", {}, async () => {
      await arena.lasting(arena.chance.between(2_000, 5_000));
      await arena.redis.start();
    });
  }
};

export const SCENARIOS: readonly Scenario[] = [
  scenario("calm", { strikes: [] }),
  scenario("kill-workers", { kinds: ["DEADLY"], strikes: KILLS, pauseMs: [500, 1_800] }),
  scenario("poison", { kinds: ["POISON"], strikes: [] }),
  scenario("freeze-workers", { strikes: FREEZES, hands: 2 }),
  scenario("busy-loop", { kinds: ["BLOCKING"], strikes: [] }),
  scenario("rolling-restarts", { strikes: [restartWorker], pauseMs: [300, 1_200] }),
  scenario("registration-storm", {
    registrars: 5,
    pushers: 1,
    everyMs: 100,
    strikes: [killWorker],
    pauseMs: [1_500, 3_000],
  }),
  scenario("cut-off", { strikes: NETWORK, hands: 2, pauseMs: [200, 1_000] }),
  scenario("slow-net", { strikes: [network.late, network.trickle], hands: 3, pauseMs: [0, 500] }),
  scenario("lost-replies", { strikes: [network.lostReply], hands: 3, pauseMs: [20, 300] }),
  scenario("kill-server", { ...redis("everysec"), strikes: [server.killServer] }),
  scenario("kill-server-valkey", { ...valkey, strikes: [server.killServer] }),
  scenario("kill-server-snapshots", { ...redis("snapshots"), strikes: [server.killServer] }),
  scenario("kill-server-none", { ...redis("none"), strikes: [server.killServer] }),
  scenario("power-always", { needsShim: true, strikes: [server.cutPower] }),
  scenario("power-everysec", { ...redis("everysec"), needsShim: true, strikes: [server.cutPower] }),
  scenario("store-hiccups", { strikes: HICCUPS }),
  scenario("store-hiccups-valkey", { ...valkey, strikes: HICCUPS }),
  scenario("script-flush", { strikes: [server.flushScripts, server.flushScriptsOften] }),
  scenario("out-of-memory", { strikes: [server.outOfMemory], pauseMs: [2_000, 3_000] }),
  scenario("read-only", { strikes: [server.readOnly] }),
  scenario("loading", { strikes: [server.loadSlowly], pauseMs: [1_500, 3_000] }),
  scenario("disk-full", { ...redis("everysec"), needsShim: true, strikes: [server.fullDisk] }),
  scenario("disk-full-always", { needsShim: true, strikes: [server.fullDiskEndsServer] }),
  scenario("clock-jumps", { needsShim: true, strikes: [-60, -1, 1, 60].map(server.jumpClock) }),
  scenario("clock-drift", { needsShim: true, strikes: [-10, -1, 1, 10].map(server.driftClock) }),
  scenario("clocks-apart", { clocksWrongByMs: 600_000, strikes: [killWorker, killPusher] }),
  scenario("flush-all", { strikes: [server.flushAll], pauseMs: [1_000, 5_000] }),
  scenario("keys-deleted", { ...everyKey, strikes: [deleteKeys] }),
  scenario("keys-of-wrong-type", {
    ...everyKey,
    strikes: [replaceKeys],
    isThrough: (arena) => neverReplaced(arena).length === 0,
  }),
  scenario("late-store", { isLate: true, strikes: [arrive] }),
  scenario("everything", {
    ...redis("everysec"),
    needsShim: true,
    kinds: ["DEADLY", "BLOCKING"],
    strikes: [
      ...KILLS,
      ...FREEZES,
      ...NETWORK,
      ...inTurn(HICCUPS),
      network.lostReply,
      restartWorker,
      ...inTurn([server.killServer]),
    ],
    hands: 2,
  }),
  scenario("file-kill-workers", { ...file("fsync"), kinds: ["DEADLY"], strikes: KILLS }),
  scenario("file-freeze-workers", { ...file("fsync"), strikes: FREEZES, hands: 2 }),
  scenario("file-busy-loop", { ...file("fsync"), kinds: ["BLOCKING"], strikes: [] }),
  scenario("file-rolling-restarts", { ...file("fsync"), strikes: [restartWorker] }),
  scenario("file-locked", { ...file("fsync"), strikes: [lockFile] }),
  scenario("file-disk-full", { ...file("fsync"), needsShim: true, strikes: [server.fullDisk] }),
  scenario("file-power-fsync", {
    ...file("fsync"),
    needsShim: true,
    strikes: [cutMachinePower],
    pauseMs: [2_000, 4_000],
  }),
  scenario("file-power-store", {
    ...file("store"),
    needsShim: true,
    strikes: [cutMachinePower],
    pauseMs: [2_000, 4_000],
  }),
  scenario("file-everything", {
    ...file("fsync"),
    needsShim: true,
    kinds: ["DEADLY", "BLOCKING"],
    strikes: [...KILLS, ...FREEZES, restartWorker, ...inTurn([lockFile, server.fullDisk])],
    hands: 2,
  }),
];
