/** What must be true of schedules when faults are over: they go on, and nothing was passed over. */
import type { ScheduleDetail } from "../../src/store/contract.js";
import type { RegisterOptions } from "../../src/types.js";
import { ask } from "./ask.js";
import { mayBeUnattended } from "./facts.js";
import { isInstant } from "./rules.js";
import type { World } from "./world.js";

/** A store that was started again holds everything back for 5 s. */
const GO_ON_MS = 20_000;
/** Until a registration lapses whose programs, and whose function, are gone. */
const LAPSE_MS = 75_000;
const SECOND = 1_000;
/** Instants of rules are multiples of it. */
const GRAIN_MS = 500;

/** What does not go on: cursors that stay behind the instant at which all faults ended. */
export async function goOn(world: World, healedAt: number): Promise<string[]> {
  const { timeline, witness } = world;
  const mayWait = world.plan.schedules.some(mayBeUnattended);
  const until = timeline.now + (mayWait ? LAPSE_MS : GO_ON_MS);
  let stuck = await ask(world, () => stuckSince(world, healedAt));
  while (stuck.length > 0 && timeline.now < until && witness.broken.length === 0) {
    await timeline.run(timeline.now + SECOND);
    stuck = await ask(world, () => stuckSince(world, healedAt));
  }
  return stuck;
}

async function stuckSince(world: World, healedAt: number): Promise<string[]> {
  const stuck: string[] = [];
  for (const scheduleId of idsThere(world)) {
    const detail = await world.observer.schedule({ scheduleId });
    const isOn = detail !== null && detail.nextAt !== null && detail.nextAt > healedAt;
    if (!isOn) stuck.push(`${scheduleId} does not go on: ${detail?.nextAt} after ${healedAt}`);
  }
  return stuck;
}

/** Those that programs register, and the others as far as the server was told to have them. */
function idsThere({ plan, scheduleIds, witness }: World): string[] {
  const runtime = new Set(plan.runtime.map(({ scheduleId }) => scheduleId));
  return scheduleIds.filter((id) => !runtime.has(id) || witness.rules.has(id));
}

/** Run-time schedules that are there and should not be, or the other way round, or are others. */
export async function notAsTold({ plan, observer, witness }: World): Promise<string[]> {
  const wrong: string[] = [];
  for (const { scheduleId } of plan.runtime) {
    const detail = await observer.schedule({ scheduleId });
    const told = witness.rules.get(scheduleId);
    if (detail?.definition === told) continue;
    wrong.push(`${scheduleId} is ${detail?.definition}, and was made as ${told}`);
  }
  return wrong;
}

/** From now on nothing fires. */
export async function pauseAll(world: World): Promise<void> {
  const pause = { until: null, reason: "the end of the world", orphaned: false };
  for (const scheduleId of world.scheduleIds) {
    await world.observer.pause({ scheduleId, pause, revision: null });
  }
}

/** Instants of rules that never changed, of which the ledger says nothing. */
export async function withoutHoles(world: World): Promise<string[]> {
  const holes: string[] = [];
  // What was decided and forgotten is passed over by those who know of it.
  if (world.witness.forgotten.length > 0) return holes;
  for (const plan of world.plan.schedules) {
    const rule = plan.versions[0];
    const isChanging = plan.versions.some((version) => version !== rule);
    if (rule === undefined || isChanging) continue;
    const detail = await world.observer.schedule({ scheduleId: rule.scheduleId ?? "" });
    if (detail !== null) holes.push(...holesOf(detail, rule));
  }
  return holes;
}

/** Why only occurrences of a rule are given up. */
const BY_RULE: ReadonlySet<string> = new Set(["misfire", "excluded", "paused"]);

/** The ledger keeps a hundred rows of a kind: beyond that it knows nothing. */
const MOST_ROWS = 90;

function holesOf({ ledger, buffered, nextAt, scheduleId }: ScheduleDetail, rule: RegisterOptions) {
  if (nextAt === null || ledger.length > MOST_ROWS) return [];
  const rows = ledger.map((row) =>
    row.kind === "passed" ? row : { from: row.scheduledFor, to: row.scheduledFor },
  );
  const told = (at: number): boolean =>
    buffered.includes(at) || rows.some((row) => row.from <= at && at <= row.to);
  const holes: string[] = [];
  // What was triggered or filled in, or was to be, may lie before the beginning.
  const byRule = ledger.filter((row) =>
    row.kind === "passed" ? BY_RULE.has(row.reason) : row.how === "due" || row.how === "catchup",
  );
  const first = byRule.map((row) => (row.kind === "passed" ? row.from : row.scheduledFor));
  const from = Math.ceil(Math.min(...first) / GRAIN_MS) * GRAIN_MS;
  for (let at = from; at < nextAt; at += GRAIN_MS) {
    if (isInstant(rule, at) && !told(at)) holes.push(`${scheduleId}@${at} is in no ledger`);
  }
  return holes.slice(0, 3);
}
