/**
 * One world from its beginning to its end: faults, then a time without, in which everything must
 * work again and drain; then all stop, and what is left is looked at.
 */

import { ask } from "./ask.js";
import type { BackendMaker } from "./backend.js";
import { check, type Finding } from "./checker.js";
import type { Coverage } from "./coverage.js";
import { grainOf } from "./facts.js";
import type { Fault } from "./faults.js";
import type { Stop } from "./history.js";
import { type Plan, planOf } from "./plan.js";
import { goOn, notAsTold, pauseAll, withoutHoles } from "./schedules.js";
import { heal, planFaults } from "./strike.js";
import { World } from "./world.js";

export interface Simulated {
  plan: Plan;
  findings: Finding[];
  /** Of all that happened, in order. */
  trace: number;
  lines: string[];
  coverage: Coverage;
  events: number;
}

export interface SimulateArgs {
  seed: number;
  kind: Plan["backend"];
  backend: BackendMaker;
  /** Instead of those of the seed. */
  faults?: readonly Fault[];
  isTold?: boolean;
}

/** After the last fault each worker has to work again within this time, ms. */
const RECOVER_MS = 10_000;
const DRAIN_MS = 150_000;
const STOP_MS = 40_000;

export async function simulate(args: SimulateArgs): Promise<Simulated> {
  const plan = planOf(args.seed, args.kind);
  const world = new World(plan, { backend: args.backend, isTold: args.isTold ?? false });
  const reject = (error: unknown): void => void world.history.shocks.push(`unhandled: ${error}`);
  process.on("unhandledRejection", reject);
  try {
    await live(world, args.faults ?? plan.faults);
    const findings = findingsOf(world);
    const { trace, coverage, timeline } = world;
    const lines = world.lines ?? [];
    return { plan, findings, trace, lines, coverage, events: timeline.events };
  } finally {
    process.off("unhandledRejection", reject);
    await world.close();
  }
}

async function live(world: World, faults: readonly Fault[]): Promise<void> {
  const { plan, timeline, history, witness } = world;
  world.workers.forEach((_, worker) => {
    timeline.at(worker * 137, () => world.spawn(worker));
  });
  planFaults(world, faults);
  await timeline.run(plan.lastsMs, () => isBroken(world));
  if (isBroken(world)) return;
  const healedAt = world.server.clock.now();
  heal(world);
  await recover(world);
  await ask(world, () => world.wishes.resumeAll());
  history.undone.push(...(await goOn(world, healedAt)));
  history.undone.push(...(await ask(world, () => notAsTold(world))));
  await ask(world, () => pauseAll(world));
  await drain(world);
  history.undone.push(...(await ask(world, () => withoutHoles(world))));
  await stopAll(world);
  await ask(world, () => lookBack(world));
  history.forgotten = witness.forgotten;
}

/** Each worker looks and pushes again, and each schedule goes on, within their time. */
async function recover(world: World): Promise<void> {
  const { timeline, workers, pushers, wishes, history, plan } = world;
  const healedAt = timeline.now;
  const [task] = plan.tasks;
  timeline.in(0, () => {
    workers.forEach((member, worker) => {
      if (member !== null && !member.isStopping && task !== undefined)
        pushers.probe(member, `probe-${worker}`, task.taskId);
    });
  });
  const deaf = () =>
    workers.filter((it) => it !== null && !it.isStopping && !((it.lookedAt ?? -1) > healedAt));
  const isAnswered = () => pushers.isDone && wishes.isDone;
  const isWell = () => deaf().length === 0 && isAnswered();
  await timeline.run(healedAt + RECOVER_MS, () => isWell() || isBroken(world));
  for (const member of deaf()) history.undone.push(`${member?.machine.name} does not look`);
  if (!isAnswered()) history.undone.push("a push, or a wish, is not answered");
}

/** All that was pushed comes to its end. */
async function drain(world: World): Promise<void> {
  const { timeline, history } = world;
  const until = timeline.now + DRAIN_MS;
  let left = await ask(world, () => leftOf(world));
  while (left.length > 0 && timeline.now < until && !isBroken(world)) {
    await timeline.run(timeline.now + 1_000);
    // What was asked for long ago may arrive only now, and make a schedule.
    await ask(world, () => pauseAll(world));
    left = await ask(world, () => leftOf(world));
  }
  if (!isBroken(world)) history.undone.push(...left);
}

async function leftOf(world: World): Promise<string[]> {
  const { plan, observer, members, pushers } = world;
  const left = pushers.isDone ? [] : ["a push is not answered"];
  for (const { taskId } of plan.tasks) {
    const { ready, scheduled, running } = await observer.counts({ taskId });
    if (ready + scheduled + running === 0) continue;
    left.push(`${taskId}: ${ready} ready, ${scheduled} scheduled, ${running} running`);
  }
  for (const { machine, running } of members) {
    if (!machine.isDead && running.size > 0) left.push(`${machine.name} still runs`);
  }
  return left;
}

async function stopAll(world: World): Promise<void> {
  const { timeline, members, history } = world;
  world.isEnding = true;
  const alive = members.filter(({ machine, isStopping }) => !machine.isDead && !isStopping);
  timeline.in(0, () => {
    for (const member of alive) void member.stop();
  });
  const isOver = () => history.stops.every(isStopped(history.deaths)) || isBroken(world);
  await timeline.run(timeline.now + 1);
  await timeline.run(timeline.now + STOP_MS, isOver);
  await timeline.run(timeline.now + 100);
  for (const { machine } of members) {
    if (machine.isDead || machine.timers === 0) continue;
    history.undone.push(`${machine.name} has ${machine.timers} timers left`);
  }
}

const isStopped =
  (deaths: ReadonlyMap<string, number>) =>
  ({ machine, resolvedAt }: Stop): boolean =>
    resolvedAt !== null || deaths.has(machine);

/** What the store says of each push, and whether it is sound. */
async function lookBack(world: World): Promise<void> {
  const { history, observer, server, witness } = world;
  for (const { key, taskId, id } of history.pushes) {
    if (id === null) continue;
    const view = await observer.get({ taskId, id });
    history.finals.set(key, view === null ? null : { state: view.state, reason: view.reason });
  }
  history.shocks.push(...server.backend.invariants(), ...witness.open());
}

function isBroken({ witness, timeline }: World): boolean {
  return witness.broken.length > 0 || timeline.faults.length > 0;
}

/** What the witness saw comes first: all that follows from it is noise. */
function findingsOf(world: World): Finding[] {
  const { witness, timeline, history } = world;
  const seen = witness.broken.map(({ invariant, what, at }) => ({
    invariant,
    what: `${what} (at ${at.toFixed(3)})`,
  }));
  const thrown = timeline.faults.map((what) => ({ invariant: "I14", what }));
  return seen.length + thrown.length > 0
    ? [...seen, ...thrown]
    : check(history, grainOf(world.plan));
}
