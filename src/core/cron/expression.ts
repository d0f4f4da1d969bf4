/**
 * Reads a whole cron expression: 5 fields, or 6 with seconds first, or a nickname. Tells times
 * of the day (ours to compute) from days of the calendar (croner's).
 */
import { closest } from "../suggest.js";
import { type Field, type FieldKind, readField } from "./fields.js";
import { type CronText, cronProblem, type Span } from "./problem.js";

export interface CronFields {
  second: Field;
  minute: Field;
  hour: Field;
  day: Field;
  month: Field;
  weekday: Field;
}

const NICKNAMES: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

const LONGEST_EXPRESSION = 256;

const SECOND: FieldKind = { name: "second", min: 0, max: 59 };
const MINUTE: FieldKind = { name: "minute", min: 0, max: 59 };
const HOUR: FieldKind = { name: "hour", min: 0, max: 23 };
const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const MONTH: FieldKind = { name: "month", min: 1, max: 12, names: MONTHS };
const DAY: FieldKind = {
  name: "day of month",
  min: 1,
  max: 31,
  question: true,
  special: (item) => {
    if (item === "L" || item === "LW") return { text: item, day: null };
    const nearest = /^([0-9]{1,2})W$/.exec(item);
    return nearest === null ? null : { text: item, day: Number(nearest[1]) };
  },
};
const WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const WEEKDAY: FieldKind = {
  name: "weekday",
  min: 0,
  max: 7,
  names: WEEKDAYS,
  question: true,
  special: (item) => {
    const found = /^([0-7]|SUN|MON|TUE|WED|THU|FRI|SAT)(?:L|#([1-5L]))$/.exec(item);
    if (found === null) return null;
    const named = WEEKDAYS.indexOf(found[1]!);
    const weekday = named >= 0 ? named : Number(found[1]) % 7;
    return { text: `${weekday}#${found[2] ?? "L"}`, day: null };
  },
};

const KINDS: readonly FieldKind[] = [SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY];

export function readExpression(cron: CronText): CronFields {
  const { text } = cron;
  if (text.length > LONGEST_EXPRESSION) {
    throw cronProblem("CRON_INVALID", cron, {
      problem: `is longer than ${LONGEST_EXPRESSION} characters`,
      fix: "use ranges and steps, or several schedules with a scheduleId each",
    });
  }
  const spans = text.trim().startsWith("@") ? nicknameSpans(cron) : fieldSpans(cron);
  const [second, minute, hour, day, month, weekday] = spans.map((span, index) =>
    readField(cron, span, KINDS[index]!),
  ) as [Field, Field, Field, Field, Field, Field];
  const fields = { second, minute, hour, day, month, weekday };
  refuseImpossible(cron, fields, spans[3]!);
  return fields;
}

function fieldSpans(cron: CronText): Span[] {
  const spans: Span[] = [];
  for (const found of cron.text.matchAll(/\S+/g)) {
    spans.push({ start: found.index, text: found[0] });
  }
  if (spans.length === 6) return spans;
  if (spans.length === 5) return [{ start: 0, text: "0" }, ...spans];
  throw cronProblem("CRON_INVALID", cron, {
    problem:
      spans.length === 0
        ? "is empty"
        : `has ${spans.length} ${spans.length === 1 ? "field" : "fields"}`,
    fix:
      spans.length === 7
        ? "leave out the year, and use startAt and endAt"
        : "use 5 fields (minute hour day month weekday), or 6 with seconds first",
  });
}

function nicknameSpans(cron: CronText): Span[] {
  const nickname = cron.text.trim();
  const lower = nickname.toLowerCase();
  if (Object.hasOwn(NICKNAMES, lower)) {
    return fieldSpans({ ...cron, text: NICKNAMES[lower]! });
  }
  const meant = closest(nickname, Object.keys(NICKNAMES));
  const usual = `use one of ${Object.keys(NICKNAMES).join(", ")}, or 5 or 6 fields`;
  const fix = meant === undefined ? usual : `did you mean "${meant}"?`;
  throw cronProblem("CRON_INVALID", cron, {
    problem: "is not a known nickname",
    fix: lower === "@reboot" ? "push the job after start() instead" : fix,
    at: { start: cron.text.indexOf("@"), text: nickname },
  });
}

const DAYS_IN_MONTH = [0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Only days of the month can fail to exist: every month has every weekday, and in some year a
 * fifth one, too.
 */
function refuseImpossible(cron: CronText, fields: CronFields, at: Span): void {
  const { day, month, weekday } = fields;
  if (!weekday.star) return;
  const longest = Math.max(...DAYS_IN_MONTH.filter((_, index) => month.values[index]));
  if (day.lowest <= longest) return;
  throw cronProblem("CRON_NEVER_FIRES", cron, {
    problem: `never fires: no such month has a day ${day.lowest}`,
    fix: 'use "L" for the last day of a month',
    at,
  });
}
