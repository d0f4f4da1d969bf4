/**
 * The rules of the schedules of a world: how they are drawn, and by arithmetic of its own which
 * instants each has and which of them it leaves out.
 */
import type { RegisterOptions } from "../../src/types.js";
import type { Dice } from "./dice.js";
import type { Act, SchedulePlan } from "./plan.js";

/** Where every world begins: 2026-01-01T00:00:00Z. */
export const EPOCH = 1_767_225_600_000;

const SECOND = 1_000;
const CRONS = ["* * * * * *", "*/2 * * * * *", "1-59/3 * * * * *"];
const EVERY_MS = [1_000, 1_500, 2_500];
const MOST_JITTER_MS = 1_800;

/** What all that is drawn for a schedule knows of the world. */
export interface RuleWorld {
  lastsMs: number;
}

/** When a rule has its instants. */
interface Timing {
  every?: unknown;
  cronExpr?: string | undefined;
}

/** What a rule leaves out, and by how much it is late. */
type Limits = Pick<RegisterOptions, "exclude" | "jitter">;

export function drawTiming(dice: Dice): { every: number } | { cronExpr: string; timezone: string } {
  return dice.says(0.5)
    ? { every: dice.pick(EVERY_MS) }
    : { cronExpr: dice.pick(CRONS), timezone: "UTC" };
}

const noFifth = (at: Date): boolean => at.getUTCSeconds() % 5 === 0;
const noLate = (at: Date): boolean => at.getUTCSeconds() > 6;

/** Jitter, and what is left out; `hasCode`: by a function, too. */
export function drawLimits(dice: Dice, { lastsMs }: RuleWorld, hasCode: boolean): Limits {
  const limits: Limits = {};
  if (dice.says(0.3)) limits.jitter = dice.whole(1, MOST_JITTER_MS);
  if (hasCode && dice.says(0.2)) limits.exclude = dice.pick([noFifth, noLate]);
  else if (dice.says(0.3)) limits.exclude = [drawSpan(dice, lastsMs), drawSpan(dice, lastsMs)];
  return limits;
}

function drawSpan(dice: Dice, lastsMs: number): { from: number; to: number } {
  const from = EPOCH + dice.whole(0, lastsMs);
  return { from, to: from + dice.whole(0, 3_000) };
}

/** What the jobs of a schedule do: mostly nothing long, or no overlap would ever be met. */
export function drawJobActs(dice: Dice): Act[] {
  if (dice.says(0.5)) return [{ kind: "returns", ms: 1 }];
  const ms = dice.pick([700, 1_300, 2_600]);
  return [dice.says(0.15) ? { kind: "hangs", heeds: dice.says(0.7) } : { kind: "returns", ms }];
}

/** Schedules of code with all that their rules may have beside instants; drawn apart. */
export function enriched(
  dice: Dice,
  plans: readonly SchedulePlan[],
  world: RuleWorld,
): SchedulePlan[] {
  return plans.map((plan) => {
    const cancels = dice.says(0.2) ? ({ overlap: "cancelOther" } as const) : {};
    const acts = drawJobActs(dice);
    const limits = drawLimits(dice, world, true);
    const others = dice.says(0.3) ? drawLimits(dice, world, true) : limits;
    const [first] = plan.versions;
    // A version that is the same stays so.
    const made = new Map<RegisterOptions, RegisterOptions>();
    const versions = plan.versions.map((version) => {
      const own = version === first ? limits : others;
      const rule = made.get(version) ?? ({ ...version, ...cancels, ...own } as RegisterOptions);
      made.set(version, rule);
      return rule;
    });
    return { ...plan, versions, acts, isSerial: plan.isSerial || "overlap" in cancels };
  });
}

/** The store's form of a rule, as far as its instants go; written by the library, read by hand. */
interface StoredRule {
  everyMs?: number;
  cronExpr?: string;
  exclude?: [from: number, to: number][];
}

/** An instant that fires by the rule in this text; functions are not in it. */
export function firesByText(definition: string, at: number): boolean {
  const { everyMs, cronExpr, exclude = [] } = JSON.parse(definition) as StoredRule;
  const isDue = isInstant({ every: everyMs, cronExpr }, at);
  return isDue && !exclude.some(([from, to]) => from <= at && at < to);
}

/** An instant that fires by this rule. */
export function firesBy(rule: RegisterOptions, at: number): boolean {
  return isInstant(rule, at) && !isLeftOut(rule, at);
}

function isLeftOut({ exclude }: RegisterOptions, at: number): boolean {
  if (typeof exclude === "function") return exclude(new Date(at)) === true;
  const spans = (exclude ?? []) as { from: number; to: number }[];
  return spans.some(({ from, to }) => from <= at && at <= to);
}

/** The rules of plans only. */
export function isInstant({ every, cronExpr }: Timing, at: number): boolean {
  if (typeof every === "number") return at % every === 0;
  const second = (at / SECOND) % 60;
  if (!Number.isInteger(second)) return false;
  if (cronExpr === "*/2 * * * * *") return second % 2 === 0;
  return cronExpr === "* * * * * *" || (second % 3 === 1 && second <= 59);
}

export function jitterMsOf({ jitter }: RegisterOptions): number {
  return typeof jitter === "number" ? jitter : 0;
}
