/**
 * What happens in the world of a seed, drawn before it begins: its settings, what is pushed and
 * registered, how handlers behave, and which faults strike when. Plain data, so that faults can be
 * taken out one by one.
 */
import type { RegisterOptions } from "../../src/types.js";
import { Dice } from "./dice.js";
import {
  drawFaults,
  type Fault,
  type FaultKind,
  type FaultWorld,
  inviteFaults,
  KINDS,
} from "./faults.js";
import { drawTiming, enriched } from "./rules.js";
import { drawRuntime, type RuntimePlan } from "./runtime.js";
import { drawWishes, type Wish } from "./wishes.js";

/** How a handler behaves. */
export type Act =
  | { kind: "returns"; ms: number }
  | { kind: "false"; ms: number }
  | { kind: "throws"; ms: number }
  /** Never ends by itself; `heeds`: it ends when its signal aborts. */
  | { kind: "hangs"; heeds: boolean }
  /** Its process dies. */
  | { kind: "kills"; ms: number };

export interface PushPlan {
  at: number;
  key: string;
  taskId: string;
  /** The caller's id; null: the store assigns one, and it is never sent again. */
  id: string | null;
  retry: boolean | number;
  retryMs: number;
  delayMs: number;
  priority: number;
  /** What the attempts do, the last one for ever. */
  acts: Act[];
  /** When it is cancelled; null: never. */
  cancelAt: number | null;
  note: string;
}

export interface SchedulePlan {
  taskId: string;
  /** What each version of the program registers; the last one for all later ones. */
  versions: RegisterOptions[];
  isSerial: boolean;
  /** What its jobs do. */
  acts: Act[];
}

export interface TaskPlan {
  taskId: string;
  concurrency: number;
  timeoutMs: number | null;
}

export interface Plan {
  seed: number;
  backend: "model" | "sqlite";
  workers: number;
  /** So long faults strike, ms. */
  lastsMs: number;
  leaseMs: number;
  pollMs: number;
  stopMs: number;
  keepsCompleted: boolean;
  /** ms; 0: each write. */
  syncEveryMs: number;
  delayMs: number;
  skewMs: number[];
  tasks: TaskPlan[];
  schedules: SchedulePlan[];
  /** Those that are made while the world goes on. */
  runtime: RuntimePlan[];
  pushes: PushPlan[];
  wishes: Wish[];
  kinds: FaultKind[];
  faults: Fault[];
}

const MISFIRES = ["skip", "once", "all"] as const;
const NOTES = ["", "plain", 'quote " and \\ and \u2028', "{}[]", "\u0000\u001e", "ж漢🙂"];

function faultsOf(dice: Dice, theme: Theme, world: FaultWorld): Fault[] {
  const invited = theme === "anything" ? [] : inviteFaults(dice, theme, world);
  return [...drawFaults(dice, world), ...invited].sort((a, b) => a.at - b.at);
}

/** What a world is about: rare events have to meet, so some worlds invite them. */
type Theme = "anything" | "leases" | "clocks";

const THEMES: readonly Theme[] = ["anything", "anything", "anything", "leases", "clocks"];
/** The world of a seed. */
export function planOf(seed: number, backend: Plan["backend"]): Plan {
  const dice = new Dice(seed, "plan");
  const theme = dice.pick(THEMES);
  const lastsMs = dice.pick([3_000, 6_000, 10_000, 15_000]);
  const workers = theme === "leases" ? dice.whole(2, 3) : dice.whole(1, 3);
  const leaseMs = theme === "leases" ? 1_000 : dice.pick([1_000, 2_000, 5_000, 10_000]);
  const tasks = ["a", "b"].slice(0, dice.whole(1, 2)).map((taskId) => ({
    taskId,
    concurrency: dice.pick([1, 2, 10]),
    timeoutMs: dice.says(0.3) ? dice.pick([500, 3_000]) : null,
  }));
  const part = theme === "anything" ? 0.4 : 0.1;
  const kinds = KINDS.filter(() => dice.says(part));
  const world = { kinds, lastsMs, workers, leaseMs };
  const drawn = drawSchedules(dice, { tasks, theme });
  const schedules = enriched(new Dice(seed, "rules"), drawn, { lastsMs });
  const more = drawRuntime(new Dice(seed, "runtime"), { lastsMs, tasks, schedules });
  const plan: Omit<Plan, "wishes"> = {
    ...{ seed, backend, workers, lastsMs, leaseMs, tasks, kinds, schedules },
    runtime: more.runtime,
    pollMs: dice.pick([800, 1_500, 3_000]),
    stopMs: dice.pick([0, 500, 3_000]),
    keepsCompleted: theme !== "leases" && dice.says(0.5),
    syncEveryMs: dice.pick([0, 0, 300, 1_000]),
    delayMs: dice.pick([0.1, 1, 1, 20]),
    skewMs: Array.from({ length: 16 }, () => dice.pick([0, 0, -600_000, 600_000, 37])),
    pushes: drawPushes(dice, { lastsMs, tasks, leaseMs, theme }),
    faults: faultsOf(new Dice(seed, "faults"), theme, world),
  };
  const wishes = [...drawWishes(new Dice(seed, "wishes"), plan), ...more.wishes];
  return { ...plan, wishes: wishes.filter(({ at }) => at < lastsMs) };
}

function drawSchedules(
  dice: Dice,
  { tasks, theme }: { tasks: readonly TaskPlan[]; theme: Theme },
): SchedulePlan[] {
  const count = theme === "clocks" ? dice.whole(1, 2) : dice.pick([0, 0, 1, 1, 2]);
  return ["s1", "s2"].slice(0, count).map((scheduleId) => {
    const overlap = dice.pick(["allow", "allow", "skip", "bufferOne", "bufferAll"] as const);
    const shared = {
      ...{ scheduleId, overlap, misfire: dice.pick(theme === "clocks" ? ["all"] : MISFIRES) },
      misfireAfter: theme === "clocks" ? 60_000 : dice.pick([3_000, 60_000]),
      ...(dice.says(0.5) ? { retry: true, retryTimeout: 300 } : {}),
    };
    const rule = () => drawTiming(dice);
    const isChanging = theme === "clocks" || dice.says(0.6);
    const first = { ...shared, ...rule() };
    const second = isChanging ? { ...shared, ...rule() } : first;
    const versions = [first, second, dice.says(0.5) ? first : second] as RegisterOptions[];
    const { taskId } = dice.pick(tasks);
    return { taskId, versions, isSerial: overlap !== "allow", acts: [] };
  });
}

function drawPushes(
  dice: Dice,
  world: { lastsMs: number; tasks: readonly TaskPlan[]; leaseMs: number; theme: Theme },
): PushPlan[] {
  const { lastsMs, tasks, leaseMs, theme } = world;
  const slow = theme === "leases" ? 0.7 : 0.12;
  const bursts = Array.from({ length: dice.whole(1, 5) }, () => dice.whole(0, lastsMs));
  const hasKillers = dice.says(0.25);
  return Array.from({ length: dice.whole(3, 14) }, (_, n) => {
    const at = dice.says(0.5) ? dice.pick(bursts) : dice.whole(0, lastsMs);
    const retry = dice.says(0.55) ? (dice.says(0.8) ? true : dice.whole(2, 4)) : false;
    return {
      ...{ at, key: `p${n}`, taskId: dice.pick(tasks).taskId, retry },
      id: dice.says(0.5) ? `own-${n}` : null,
      retryMs: dice.pick([0, 200, 1_500]),
      delayMs: dice.says(0.3) ? dice.whole(1, 4_000) : 0,
      priority: dice.says(0.15) ? dice.whole(-1, 1) : 0,
      acts: drawActs(dice, { leaseMs, hasKillers, slow }),
      cancelAt: dice.says(0.1) ? at + dice.whole(0, 3_000) : null,
      note: dice.pick(NOTES),
    };
  });
}

interface DrawActs {
  leaseMs: number;
  hasKillers: boolean;
  /** How many take longer than their lease. */
  slow: number;
}

function drawActs(dice: Dice, world: DrawActs): Act[] {
  const { leaseMs, hasKillers, slow } = world;
  const returns = { kind: "returns" as const, ms: dice.pick([0, 0, 1, 20, 400]) };
  const acts: Act[] = [];
  while (dice.says(0.3) && acts.length < 3) {
    const ms = dice.pick([0, 5, 300]);
    const kinds: Act[] = [
      { kind: "false", ms },
      { kind: "throws", ms },
      { kind: "hangs", heeds: dice.says(0.7) },
      ...(hasKillers ? [{ kind: "kills" as const, ms }] : []),
    ];
    acts.push(dice.pick(kinds));
  }
  if (dice.says(slow)) return [...acts, { kind: "returns", ms: leaseMs * dice.pick([1.2, 2]) }];
  return [...acts, returns];
}
