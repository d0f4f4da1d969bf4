/** Runs one scenario: load, faults, healing, draining, the end; then has its history judged. */
import { setTimeout as pause } from "node:timers/promises";
import { until } from "../../support/until.js";
import { MENDED_MS, type Rules } from "../check/case.js";
import { judge, type Verdict } from "../check/judge.js";
import { now } from "../programs/history.mjs";
import { Arena } from "./arena.js";
import { type History, readHistory } from "./history.js";
import { RULES, type Scenario } from "./scenario.js";
import { namesIn, RedisStore } from "./store.js";

export interface Outcome {
  scenario: string;
  seed: number;
  seconds: number;
  verdict: Verdict;
  /** Where the history is, when something was broken. */
  folder: string | null;
}

/** Work goes on for so long after the last fault. */
const RECOVER_MS = 6_000;
/** Occurrences go on within this: after a loss nothing fires for five seconds. */
const FIRES_AGAIN_MS = 12_000;
const START_MS = 30_000;
/** Faults that have not all had their turn go on for so long. */
const MOST_LONGER_MS = 90_000;
const PUSHERS_END_MS = 20_000;
const END_MS = 10_000;

export async function runScenario(
  scenario: Scenario,
  { seed, seconds }: { seed: number; seconds: number },
): Promise<Outcome> {
  const rules: Rules = { ...RULES, schedules: scenario.setup.schedules.map(ruleOf) };
  const arena = await Arena.open(scenario.setup, rules, seed);
  const unwatch = arena.watchClock();
  let failure: unknown = null;
  try {
    await begin(arena);
    await strikes(scenario, arena, seconds);
    await recover(arena);
    await drain(arena);
    await endAll(arena);
  } catch (error) {
    failure = error;
  }
  unwatch();
  await arena.close();
  if (isTorn(arena))
    await arena.fault("AOF: torn transaction kept", { lossMs: -1 }, async () => {});
  const verdict = judge(readHistory(arena.folder), rules);
  if (failure !== null) {
    // What the histories say of a run that was cut short means little.
    verdict.violations.unshift({ invariant: "run", text: `the run failed: ${failure}` });
  }
  const isKept = verdict.violations.length > 0;
  if (!isKept) arena.forget();
  return { scenario: scenario.name, seed, seconds, verdict, folder: isKept ? arena.folder : null };
}

/**
 * Redis 7.0 cuts a log that ends within a transaction after its last whole command, not before its
 * MULTI: with the next EXEC what had not been answered comes back. Nothing that a client can do.
 */
function isTorn({ store }: Arena): boolean {
  return store instanceof RedisStore && store.log().includes("MULTI calls can not be nested");
}

function ruleOf(schedule: Scenario["setup"]["schedules"][number]): Rules["schedules"][number] {
  const { scheduleId, every, retry } = schedule;
  return { scheduleId, everyMs: Number(every), retries: retry !== undefined && retry !== false };
}

async function begin(arena: Arena): Promise<void> {
  const { setup, store } = arena;
  if (store.kind === "redis" && !setup.isLate) await arena.redis.start();
  const launched = [];
  for (let n = 0; n < setup.workers; n += 1) launched.push(await arena.launch("worker"));
  for (let n = 0; n < setup.registrars; n += 1) launched.push(await arena.launch("registrar"));
  for (let n = 0; n < setup.pushers; n += 1) launched.push(await arena.launch("pusher"));
  if (setup.isLate) return;
  const up = Promise.all(launched.map(({ process }) => process.isUp));
  await Promise.race([up, pause(START_MS)]);
}

async function strikes(scenario: Scenario, arena: Arena, seconds: number): Promise<void> {
  await arena.lasting(1_000);
  arena.phase("faults");
  const end = now() + seconds * 1_000;
  const longest = end + MOST_LONGER_MS;
  const deck = arena.chance.deck(scenario.strikes);
  const hasAll = () =>
    scenario.strikes.length === 0 || (deck.isThrough() && scenario.isThrough(arena));
  const isOver = () => {
    if (now() < end) return false;
    return hasAll() || now() > longest;
  };
  const one = async () => {
    while (!isOver()) {
      const [low, high] = scenario.pauseMs;
      await arena.lasting(arena.chance.between(low, high));
      if (!isOver()) await deck.next()(arena);
    }
  };
  if (scenario.strikes.length === 0) await arena.lasting(seconds * 1_000);
  else await Promise.all(Array.from({ length: scenario.hands }, one));
  arena.end();
  await arena.heal();
  if (!hasAll()) throw new Error("not each of its faults has had its turn");
}

/** Enough at once that nobody can stay idle: each process has to show that it works. */
async function recover(arena: Arena): Promise<void> {
  const healedAt = arena.phase("healed");
  for (const { process } of arena.living("pusher")) process.tell("surge");
  await pause(RECOVER_MS);
  const fires = () => {
    const starts = readHistory(arena.folder).of("start");
    return arena.rules.schedules.every(({ scheduleId }) =>
      starts.some((start) => start.scheduleId === scheduleId && start.t > healedAt),
    );
  };
  await until("schedules to fire", fires, FIRES_AGAIN_MS - RECOVER_MS).catch(() => {});
}

async function drain(arena: Arena): Promise<void> {
  const pushers = arena.placed.filter(({ process }) => process.role !== "worker");
  // Jobs may kill more workers, and somebody has to do the work.
  arena.stopReplacing("pusher", "registrar");
  for (const { process } of pushers) {
    if (process.role === "registrar") process.terminate();
    else process.tell("stop");
  }
  const ended = Promise.all(pushers.map(({ process }) => process.ended));
  await Promise.race([ended, pause(PUSHERS_END_MS)]);
  const wanted = pushedSinceLoss(readHistory(arena.folder));
  const isDrained = async () => {
    const live = namesIn(await arena.store.texts("live"));
    return !live.some((name) => wanted.has(name));
  };
  await until("all is worked off", isDrained, MENDED_MS).then(
    () => arena.phase("drained"),
    () => arena.phase("stuck"),
  );
}

/**
 * Names whose jobs have to be worked off: what was pushed before a loss may remain as a ruin, and
 * what was put off while the clock was ahead may wait until it gets there again.
 */
function pushedSinceLoss(history: History): Set<string> {
  const losses = history
    .of("fault")
    .filter(({ lossMs, jumpMs = 0 }) => lossMs !== undefined || jumpMs > 0);
  const lastLoss = Math.max(0, ...losses.map(({ to }) => to));
  const pushes = history.of("push").filter(({ t, plan }) => t > lastLoss && plan.at(-1) !== "kill");
  return new Set(pushes.map(({ name }) => name));
}

async function endAll(arena: Arena): Promise<void> {
  arena.phase("end");
  arena.stopReplacing("worker");
  const living = arena.placed.filter(({ process }) => process.alive);
  for (const { process } of living) process.terminate();
  const ended = Promise.all(living.map(({ process }) => process.ended));
  await Promise.race([ended, pause(arena.rules.stopMs + END_MS)]);
  arena.note({ what: "remains", names: namesIn(await arena.store.texts("all")) });
}
