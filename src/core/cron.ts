/**
 * When a cron expression is due in a time zone. The only file that imports croner, which finds
 * the days; times of the day and clock changes are decided here:
 *  - an expression without `*` or step in second, minute and hour names fixed times: each local
 *    time fires once, at its first pass, or at the first instant after a gap that swallowed it
 *  - all others follow the clock: what does not exist does not fire, what comes twice fires twice
 * Inside, everything is in whole seconds.
 */
import { Cron } from "croner";
import { type CronFields, readExpression } from "./cron/expression.js";
import { type CronText, cronProblem } from "./cron/problem.js";
import { DayTimes } from "./cron/times.js";
import {
  checkZone,
  DAY_S,
  FURTHEST_AHEAD_S,
  nextDay,
  restOfDay,
  type Stretch,
  type Zone,
  zoneOf,
} from "./zone.js";

export interface CronRule {
  /** True when local times are named, false when the clock is followed. */
  readonly fixedTime: boolean;
  /** The first occurrence strictly after `afterMs`, epoch ms; null: there is none. */
  next(afterMs: number): number | null;
  /** How many occurrences there are from `fromMs` up to, not including, `toMs`. */
  count(fromMs: number, toMs: number): number;
  /** The same ones in order, found while they are asked for; `toMs` may be infinite. */
  between(fromMs: number, toMs: number): Iterable<number>;
}

const MOST_RULES_KEPT = 1_000;
const rules = new Map<string, CronRule>();

/** The rule of an expression; `where` names the option in errors. */
export function parseCron(expr: string, timezone: string, where: string): CronRule {
  const key = `${timezone} ${expr}`;
  let rule = rules.get(key);
  if (rule === undefined) {
    const cron: CronText = { text: expr, where };
    const fields = readExpression(cron);
    rule = new ZonedRule(fields, new Days(fields, cron), zoneOf(checkZone(timezone, where)));
    if (rules.size >= MOST_RULES_KEPT) rules.clear();
    rules.set(key, rule);
  }
  return rule;
}

/** The 1st of January 9999: beyond it, dates begin to end. */
const LATEST_S = 253_370_764_800;

const MOST_DAYS_KEPT = 1_000;

/** The days that an expression names, counted from the epoch. */
class Days {
  readonly #cron: Cron | null;
  /** The last question and its answer, which is that of all days between them, too. */
  #asked = 0;
  #answer: number | null = 0;
  /** All answers so far: a plan asks for the same year several times. */
  readonly #answers = new Map<number, number | null>();

  constructor(fields: CronFields, cron: CronText) {
    const { day, month, weekday } = fields;
    if (day.star && month.star && weekday.star) {
      this.#cron = null;
      return;
    }
    try {
      this.#cron = new Cron(`0 0 0 ${day.text} ${month.text} ${weekday.text}`, {
        paused: true,
        timezone: "UTC",
      });
    } catch (thrown) {
      const said = thrown instanceof Error ? thrown.message : String(thrown);
      throw cronProblem("CRON_INVALID", cron, {
        problem: said.replace(/^CronPattern: /, ""),
        fix: "correct the field that it names",
      });
    }
    this.#ask(0);
  }

  firstFrom(day: number): number | null {
    if (this.#cron === null) return day;
    const known = day >= this.#asked && (this.#answer === null || day <= this.#answer);
    return known ? this.#answer : this.#ask(day);
  }

  /** How many of them are from `from` up to, not including, `to`. */
  count(from: number, to: number): number {
    if (this.#cron === null) return Math.max(0, to - from);
    let count = 0;
    let day = this.firstFrom(from);
    while (day !== null && day < to) {
      count++;
      day = this.firstFrom(day + 1);
    }
    return count;
  }

  #ask(day: number): number | null {
    let answer = this.#answers.get(day);
    if (answer === undefined) {
      const found = this.#cron!.nextRun(new Date((day * DAY_S - 1) * 1_000));
      answer = found === null ? null : Math.floor(found.getTime() / 1_000 / DAY_S);
      if (this.#answers.size >= MOST_DAYS_KEPT) this.#answers.clear();
      this.#answers.set(day, answer);
    }
    this.#asked = day;
    this.#answer = answer;
    return answer;
  }
}

class ZonedRule implements CronRule {
  readonly fixedTime: boolean;
  readonly #days: Days;
  readonly #times: DayTimes;
  readonly #zone: Zone;

  constructor(fields: CronFields, days: Days, zone: Zone) {
    const { second, minute, hour } = fields;
    this.fixedTime = !(second.open || minute.open || hour.open);
    this.#days = days;
    this.#times = new DayTimes({
      hour: hour.values,
      minute: minute.values,
      second: second.values,
    });
    this.#zone = zone;
  }

  next(afterMs: number): number | null {
    for (const at of this.#walk(Math.floor(afterMs / 1_000) + 1, LATEST_S)) return at;
    return null;
  }

  between(fromMs: number, toMs: number): Iterable<number> {
    return this.#walk(Math.ceil(fromMs / 1_000), Math.min(LATEST_S, Math.ceil(toMs / 1_000)));
  }

  count(fromMs: number, toMs: number): number {
    const to = Math.ceil(toMs / 1_000);
    let from = Math.ceil(fromMs / 1_000);
    let count = 0;
    while (from < to) {
      for (const stretch of restOfDay(this.#zone, from)) {
        if (stretch.start >= to) break;
        count += this.#countIn({ ...stretch, end: Math.min(stretch.end, to) });
      }
      from = nextDay(from);
    }
    return count;
  }

  /** The occurrences from `start` up to, not including, `to`, in epoch ms. */
  *#walk(start: number, to: number): Generator<number, void, undefined> {
    let from = start;
    while (from < to) {
      for (const stretch of restOfDay(this.#zone, from)) {
        const { offset } = stretch;
        const end = Math.min(stretch.end, to) + offset;
        let local: number | null = this.#localStart(stretch);
        if (stretch.start < to && this.#fillsGap(stretch)) {
          yield stretch.start * 1_000;
          local = Math.max(local, stretch.start + offset + 1);
        }
        for (local = this.#nextLocal(local); local !== null && local < end; ) {
          yield (local - offset) * 1_000;
          local = this.#nextLocal(local + 1);
        }
      }
      const dayEnd = nextDay(from);
      // A day back, because the clocks may go back at the very end of this one.
      const local = this.#nextLocal(dayEnd + this.#zone.offsetAt(dayEnd) - DAY_S);
      if (local === null) return;
      // Nothing is due before this.
      from = Math.max(dayEnd, local - FURTHEST_AHEAD_S);
    }
  }

  #countIn(stretch: Stretch): number {
    const { end, offset } = stretch;
    const start = this.#localStart(stretch);
    const count = this.#countLocal(start, Math.max(start, end + offset));
    const counted = this.#nextLocal(stretch.start + offset) === stretch.start + offset;
    return this.#fillsGap(stretch) && !counted ? count + 1 : count;
  }

  /** True when a fixed time was in the gap that the stretch begins with. */
  #fillsGap({ change, start }: Stretch): boolean {
    if (!this.fixedTime || change === null || change.after <= change.before) return false;
    const local = this.#nextLocal(Math.max(start + change.before, this.#shownBefore(start)));
    return local !== null && local < start + change.after;
  }

  /** The local time from which the stretch counts: fixed times of a second pass do not. */
  #localStart({ start, offset }: Stretch): number {
    const local = start + offset;
    return this.fixedTime ? Math.max(local, this.#shownBefore(start)) : local;
  }

  /** The local time that the clocks had reached at some moment of the last day before `seconds`. */
  #shownBefore(seconds: number): number {
    const day = Math.floor(seconds / DAY_S);
    let shown = Number.NEGATIVE_INFINITY;
    for (const near of [day - 1, day]) {
      const change = this.#zone.changeIn(near);
      if (change !== null && change.at <= seconds && change.after < change.before) {
        shown = Math.max(shown, change.at + change.before);
      }
    }
    return shown;
  }

  /** The first local time that is named, at or after `local`. */
  #nextLocal(local: number): number | null {
    const day = Math.floor(local / DAY_S);
    const named = this.#days.firstFrom(day);
    if (named === null) return null;
    if (named === day) {
      const time = this.#times.firstFrom(local - day * DAY_S);
      if (time !== null) return day * DAY_S + time;
      const later = this.#days.firstFrom(day + 1);
      return later === null ? null : later * DAY_S + this.#times.first;
    }
    return named * DAY_S + this.#times.first;
  }

  /** How many local times are named from `from` up to, not including, `to`. */
  #countLocal(from: number, to: number): number {
    const first = Math.floor(from / DAY_S);
    const last = Math.floor(to / DAY_S);
    const perDay = this.#times.countBefore(DAY_S);
    let count = this.#days.count(first, last) * perDay;
    if (this.#names(first)) count -= this.#times.countBefore(from - first * DAY_S);
    if (this.#names(last)) count += this.#times.countBefore(to - last * DAY_S);
    return count;
  }

  #names(day: number): boolean {
    return this.#days.firstFrom(day) === day;
  }
}
