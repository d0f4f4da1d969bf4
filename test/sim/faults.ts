/** Which faults there are, and how those of a seed are drawn. */
import type { Dice } from "./dice.js";
import type { Trap } from "./network.js";
import type { Verb } from "./verbs.js";

export type Fault = { at: number } & (
  | { kind: "crash"; worker: number; awayMs: number; noticedMs: number | null }
  | { kind: "freeze"; worker: number; ms: number }
  | { kind: "cut"; worker: number; ms: number }
  | { kind: "reset"; worker: number }
  /** The server is away; `forgets`: and has lost what it had not synced. */
  | { kind: "outage"; ms: number; forgets: boolean }
  | { kind: "wipe" }
  | { kind: "jump"; ms: number }
  | { kind: "deaf"; part: number; ms: number }
  /** Stopped, and started again as the next version. */
  | { kind: "deploy"; worker: number; awayMs: number }
  | { kind: "trap"; trap: Trap }
);

/** A seed has some of these. */
export const KINDS = [
  "crash",
  "freeze",
  "cut",
  "reset",
  "restart",
  "powerCut",
  "wipe",
  "jump",
  "deaf",
  "deploy",
  "loseRequest",
  "loseReply",
  "lateRequest",
  "lateReply",
  "noScript",
  "error",
] as const;

export type FaultKind = (typeof KINDS)[number];

export interface FaultWorld {
  kinds: readonly FaultKind[];
  lastsMs: number;
  workers: number;
  leaseMs: number;
}

/** Those that a scheduler cannot do without, as often as they are called. */
const HIT_VERBS: readonly (Verb | null)[] = [
  ...["work", "work", "push", "push", "look", "renew", "reap", "register"],
  ...["fire", "fire", "open", "recover", "cancel", null, null],
] as (Verb | null)[];

/** Refusals as servers word them; what may have been done nevertheless is unknown. */
const REFUSALS = [
  { code: "STORE_REFUSED", text: "OOM command not allowed when used memory > 'maxmemory'." },
  { code: "STORE_REFUSED", text: "READONLY You can't write against a read only replica." },
  { code: "STORE_REFUSED", text: "MISCONF Errors writing to the AOF file" },
  { code: "STORE_REFUSED", text: "NOPERM this user has no permissions" },
  { code: "STORE_UNREACHABLE", text: "LOADING Redis is loading the dataset in memory" },
  { code: "STORE_UNREACHABLE", text: "BUSY Redis is busy running a script." },
  { code: "STORE_DAMAGED", text: "WRONGTYPE Operation against a key of the wrong kind" },
  { code: "STORE_FAILED", text: "the script was broken off" },
] as const;

/** The faults of a seed, in the order of time. */
export function drawFaults(dice: Dice, world: FaultWorld): Fault[] {
  const { kinds, lastsMs } = world;
  const most = Math.min(12, 2 * kinds.length);
  const count = kinds.length === 0 ? 0 : dice.whole(1, most);
  const faults = Array.from({ length: count }, (): Fault => {
    const kind = dice.pick(kinds);
    return { at: dice.whole(0, lastsMs), ...drawFault(dice, kind, world) } as Fault;
  });
  return faults.sort((a, b) => a.at - b.at);
}

/** Faults that a world invites, besides those that it has by chance. */
export function inviteFaults(dice: Dice, theme: "leases" | "clocks", world: FaultWorld): Fault[] {
  const { lastsMs, workers, leaseMs } = world;
  const worker = (): number => dice.whole(0, workers - 1);
  const at = dice.whole(lastsMs / 4, lastsMs / 2);
  if (theme === "leases") {
    return [1, 2, 3].map((n): Fault => {
      const ms = dice.pick([1.2, 2, 3]) * leaseMs;
      return { at: at * 0.7 * n, kind: "freeze", worker: worker(), ms };
    });
  }
  const back = { at, kind: "jump" as const, ms: dice.pick([-60_000, -3_000]) };
  return [
    back,
    ...[1, 2].map((n): Fault => {
      return { at: at + n * dice.whole(200, 2_000), kind: "deploy", worker: worker(), awayMs: 0 };
    }),
  ];
}

/** Each draws what is peculiar to it; `at` is drawn for all alike. */
function drawFault(dice: Dice, kind: FaultKind, world: FaultWorld): object {
  const { workers, leaseMs } = world;
  const worker = dice.whole(0, workers - 1);
  const span = () => dice.pick([0.3, 0.99, 1.2, 3]) * leaseMs;
  switch (kind) {
    case "crash": {
      const noticedMs = dice.pick([0, 0, 2_000, null]);
      return { kind, worker, awayMs: dice.whole(0, 4_000), noticedMs };
    }
    case "freeze":
    case "cut":
      return { kind, worker, ms: span() };
    case "reset":
      return { kind, worker };
    case "deploy":
      return { kind, worker, awayMs: dice.whole(0, 1_000) };
    case "restart":
      return { kind: "outage", ms: dice.pick([0, 200, 2_500, 2 * leaseMs]), forgets: false };
    case "powerCut":
      return { kind: "outage", ms: dice.pick([0, 200, 2_500, 2 * leaseMs]), forgets: true };
    case "wipe":
      return { kind };
    case "jump":
      return { kind, ms: dice.pick([-3_600_000, -60_000, -1_500, 900, 60_000, 3_600_000]) };
    case "deaf":
      return { kind, part: dice.pick([0.5, 1]), ms: dice.whole(500, 5_000) };
    default:
      return { kind: "trap", trap: drawTrap(dice, kind, worker) };
  }
}

function drawTrap(dice: Dice, kind: FaultKind, worker: number): Trap {
  const aim = { verb: dice.pick(HIT_VERBS), worker: dice.says(0.5) ? worker : null };
  switch (kind) {
    case "lateRequest":
    case "lateReply":
      return { ...aim, kind, ms: dice.pick([100, 1_500, 6_000, 12_000]) };
    case "error": {
      const { code, text } = dice.pick(REFUSALS);
      return { ...aim, kind, code, text, isDone: code === "STORE_FAILED" && dice.says(0.5) };
    }
    case "loseReply":
    case "noScript":
      return { ...aim, kind };
    default:
      return { ...aim, kind: "loseRequest" };
  }
}
