/** What must be true of schedules when faults are over: they go on, and nothing was passed over. */
import type { ScheduleDetail } from "../../src/store/contract.js";
import type { RegisterOptions } from "../../src/types.js";
import type { SchedulePlan } from "./plan.js";
import { ask, type World } from "./world.js";

/** A store that was started again holds everything back for 5 s. */
const GO_ON_MS = 20_000;
const SECOND = 1_000;

/** What does not go on: cursors that stay behind the instant at which all faults ended. */
export async function goOn(world: World, healedAt: number): Promise<string[]> {
  const { timeline, witness } = world;
  const until = timeline.now + GO_ON_MS;
  let stuck = await ask(world, () => stuckSince(world, healedAt));
  while (stuck.length > 0 && timeline.now < until && witness.broken.length === 0) {
    await timeline.run(timeline.now + SECOND);
    stuck = await ask(world, () => stuckSince(world, healedAt));
  }
  return stuck;
}

async function stuckSince(world: World, healedAt: number): Promise<string[]> {
  const stuck: string[] = [];
  for (const scheduleId of idsOf(world)) {
    const detail = await world.observer.schedule({ scheduleId });
    const isOn = detail !== null && detail.nextAt !== null && detail.nextAt > healedAt;
    if (!isOn) stuck.push(`${scheduleId} does not go on: ${detail?.nextAt} after ${healedAt}`);
  }
  return stuck;
}

/** From now on nothing fires. */
export async function pauseAll(world: World): Promise<void> {
  const pause = { until: null, reason: "the end of the world", orphaned: false };
  for (const scheduleId of idsOf(world)) {
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

/** The ledger keeps a hundred rows of a kind: beyond that it knows nothing. */
const MOST_ROWS = 90;

function holesOf({ ledger, buffered, nextAt, scheduleId }: ScheduleDetail, rule: RegisterOptions) {
  const [first] = ledger;
  if (first === undefined || nextAt === null || ledger.length > MOST_ROWS) return [];
  const rows = ledger.map((row) =>
    row.kind === "passed" ? row : { from: row.scheduledFor, to: row.scheduledFor },
  );
  const told = (at: number): boolean =>
    buffered.includes(at) || rows.some((row) => row.from <= at && at <= row.to);
  const holes: string[] = [];
  const from = Math.min(...rows.map((row) => row.from));
  for (let at = from; at < nextAt; at += 500) {
    if (isDue(rule, at) && !told(at)) holes.push(`${scheduleId}@${at} is in no ledger`);
  }
  return holes.slice(0, 3);
}

/** The rules of plans only, by arithmetic of their own. */
function isDue({ every, cronExpr }: RegisterOptions, at: number): boolean {
  if (typeof every === "number") return at % every === 0;
  const second = (at / SECOND) % 60;
  if (!Number.isInteger(second)) return false;
  if (cronExpr === "*/2 * * * * *") return second % 2 === 0;
  return cronExpr === "* * * * * *" || (second % 3 === 1 && second <= 59);
}

function idsOf({ plan }: World): string[] {
  return plan.schedules.map(({ versions }: SchedulePlan) => versions[0]?.scheduleId ?? "");
}
