/**
 * Cron by another way, to examine ours by: walks over every minute, reads the clocks of the zone
 * by Intl, and matches them against the expression, which it reads by itself. Slow and simple.
 */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");
const WEEKDAYS = "sun mon tue wed thu fri sat".split(" ");
const NICKNAMES: Record<string, string> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

const formats = new Map<string, Intl.DateTimeFormat>();

/** What the clocks of the zone show, as if it were UTC. */
export function localAt(zone: string, ms: number): number {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("sv-SE", {
      timeZone: zone,
      dateStyle: "short",
      timeStyle: "medium",
    });
    formats.set(zone, format);
  }
  return Date.parse(`${format.format(ms).replace(" ", "T")}Z`);
}

const hours = new Map<string, Float64Array>();

/** What the clocks show in each minute of an hour. */
function hourAt(zone: string, at: number): Float64Array {
  const key = `${zone} ${at}`;
  let minutes = hours.get(key);
  if (minutes === undefined) {
    if (hours.size >= 5_000) hours.clear();
    const first = localAt(zone, at);
    // No zone changes its clocks twice in an hour.
    const quiet = localAt(zone, at + HOUR - MINUTE) - first === HOUR - MINUTE;
    minutes = Float64Array.from({ length: 60 }, (_, index) =>
      quiet ? first + index * MINUTE : localAt(zone, at + index * MINUTE),
    );
    hours.set(key, minutes);
  }
  return minutes;
}

const rules = new Map<string, Rule>();

/** All occurrences with `from` < occurrence ≤ `to`, ascending. */
export function slowOccurrences(
  expr: string,
  zone: string,
  span: { from: number; to: number },
  most: number = Number.POSITIVE_INFINITY,
): number[] {
  let rule = rules.get(expr);
  if (rule === undefined) {
    rule = read(expr);
    rules.set(expr, rule);
  }
  const found: number[] = [];
  const add = (ms: number): void => {
    if (ms > span.from && ms <= span.to) found.push(ms);
  };
  const shown = new Set<number>();
  // Two days of run-up, so that a first pass before `from` is known.
  let at = Math.floor(span.from / HOUR) * HOUR - 48 * HOUR;
  let before = localAt(zone, at - MINUTE) - (at - MINUTE);
  for (; at <= span.to && found.length < most; at += HOUR) {
    const clock = hourAt(zone, at);
    const first = clock[0]!;
    const last = clock[59]!;
    const quiet = last - first === HOUR - MINUTE && first - at === before;
    if (quiet && !rule.day(first) && !rule.day(last)) continue;
    for (const [index, local] of clock.entries()) {
      const minute = at + index * MINUTE;
      let swallowed = false;
      if (rule.fixed) {
        for (let gap = minute + before; gap < local; gap += MINUTE) {
          swallowed ||= rule.minute(gap) && !shown.has(gap);
        }
      }
      before = local - minute;
      const named = rule.minute(local) && !(rule.fixed && shown.has(local));
      if (swallowed && !(named && rule.seconds[0] === 0)) add(minute);
      if (!named) continue;
      shown.add(local);
      for (const second of rule.seconds) add(minute + second * 1_000);
    }
  }
  return found.slice(0, most);
}

interface Rule {
  fixed: boolean;
  seconds: number[];
  day(local: number): boolean;
  minute(local: number): boolean;
}

function read(expr: string): Rule {
  const text = NICKNAMES[expr.trim()] ?? expr.trim();
  let fields = text.toLowerCase().split(/\s+/);
  if (fields.length === 5) fields = ["0", ...fields];
  const [second, minute, hour, days, month, weekdays] = fields as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const anyDay = days === "*" || days === "?";
  const anyWeekday = weekdays === "*" || weekdays === "?";
  const dayNamed = (date: Date): boolean => {
    if (!holds(month, date.getUTCMonth() + 1, 1, 12, MONTHS)) return false;
    if (anyDay && anyWeekday) return true;
    if (!anyDay && days.split(",").some((item) => dayHolds(item, date))) return true;
    return !anyWeekday && weekdays.split(",").some((item) => weekdayHolds(item, date));
  };
  const known = new Map<number, boolean>();
  const day = (local: number): boolean => {
    const index = Math.floor(local / (24 * HOUR));
    let named = known.get(index);
    if (named === undefined) {
      named = dayNamed(new Date(local));
      known.set(index, named);
    }
    return named;
  };
  const minutes = allHeld(minute, 59);
  const hoursNamed = allHeld(hour, 23);
  return {
    fixed: !/[*/]/.test(second + minute + hour),
    seconds: [...allHeld(second, 59)],
    day,
    minute: (local) => {
      const index = Math.floor(local / MINUTE);
      const hourOfDay = Math.floor(index / 60) - 24 * Math.floor(index / 1_440);
      return (
        minutes.has(index - 60 * Math.floor(index / 60)) && hoursNamed.has(hourOfDay) && day(local)
      );
    },
  };
}

function allHeld(field: string, max: number): Set<number> {
  const held = new Set<number>();
  for (let value = 0; value <= max; value++) if (holds(field, value, 0, max)) held.add(value);
  return held;
}

function dayHolds(item: string, date: Date): boolean {
  const last = lastDayOf(date);
  const day = date.getUTCDate();
  if (item === "l") return day === last;
  if (item === "lw") return day === nearestWorkday(date, last);
  if (item.endsWith("w")) {
    const wanted = Number(item.slice(0, -1));
    return wanted <= last && day === nearestWorkday(date, wanted);
  }
  return holds(item, day, 1, 31);
}

function nearestWorkday(date: Date, wanted: number): number {
  const weekday = (day: number): number =>
    new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), day)).getUTCDay();
  const isWorkday = (day: number): boolean =>
    day >= 1 && day <= lastDayOf(date) && weekday(day) !== 0 && weekday(day) !== 6;
  // Saturday looks back first, Sunday ahead; neither leaves the month.
  const order = weekday(wanted) === 6 ? [0, -1, 1, 2] : [0, 1, -1, -2];
  return wanted + (order.find((step) => isWorkday(wanted + step)) ?? Number.NaN);
}

function weekdayHolds(item: string, date: Date): boolean {
  const day = date.getUTCDate();
  const special = /^(\w+?)(?:#(\w)|l)$/.exec(item);
  if (special === null) {
    return (
      holds(item, date.getUTCDay(), 0, 7, WEEKDAYS) ||
      (date.getUTCDay() === 0 && holds(item, 7, 0, 7, WEEKDAYS))
    );
  }
  const name = special[1]!;
  const weekday = WEEKDAYS.includes(name) ? WEEKDAYS.indexOf(name) : Number(name) % 7;
  if (date.getUTCDay() !== weekday) return false;
  const wanted = special[2] ?? "l";
  return wanted === "l" ? day + 7 > lastDayOf(date) : Math.ceil(day / 7) === Number(wanted);
}

function lastDayOf(date: Date): number {
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
}

function holds(
  field: string,
  value: number,
  min: number,
  max: number,
  names: string[] = [],
): boolean {
  const number = (text: string, isEnd: boolean): number => {
    if (isEnd && text === "sun") return 7;
    return names.includes(text) ? names.indexOf(text) + min : Number(text);
  };
  return field.split(",").some((item) => {
    const [range = "", step] = item.split("/");
    const [from = "", to] = range.split("-");
    const low = from === "*" || from === "?" ? min : number(from, false);
    const open = from === "*" || from === "?" || step !== undefined;
    const top = names[0] === "sun" ? 6 : max;
    const high = to !== undefined ? number(to, low > min) : open ? Math.max(low, top) : low;
    return value >= low && value <= high && (value - low) % Number(step ?? 1) === 0;
  });
}
