/**
 * Settles on their way to `work.lua`, and their answers: grouped by lease, since most of a lease
 * end alike, and one letter stands for them all.
 */
import type { DeadReason } from "../../core/job.js";
import { costOf } from "../../core/settle-cost.js";
import type { KeepRules, Settle, SettleAnswer, SettleOutcome } from "../contract.js";
import { stateOf, wholeNumber } from "./codec.js";
import type { TaskTable } from "./shard.js";
import { joinedOf } from "./slice.js";

/** c: completed, and leaves nothing behind; k: completed; x: anything else. */
type GroupKind = "c" | "k" | "x";

export interface Group {
  task: number;
  taskId: string;
  fence: string;
  kind: GroupKind;
  settles: Settle[];
  /** Where each settle stands in the caller's list. */
  places: number[];
  /** By number. */
  isSorted: boolean;
}

export function groupByLease(
  settles: readonly Settle[],
  tasks: TaskTable,
  keep: KeepRules,
): Group[] {
  const groups = new Map<string, Group>();
  let last: Group | null = null;
  for (let place = 0; place < settles.length; place += 1) {
    const settle = settles[place]!;
    const kind = kindOf(settle, keep);
    // Neighbours are mostly of one lease.
    if (last === null || !isOf(last, settle, kind)) {
      const { taskId, fence } = settle;
      const task = tasks.indexOf(taskId);
      const key = `${kind}${task} ${fence}`;
      last = groups.get(key) ?? null;
      if (last === null) {
        last = { task, taskId, fence, kind, settles: [], places: [], isSorted: true };
        groups.set(key, last);
      }
    }
    const before = last.settles.at(-1);
    if (before !== undefined && before.number > settle.number) last.isSorted = false;
    last.settles.push(settle);
    last.places.push(place);
  }
  return Array.from(groups.values(), inLeaseOrder);
}

function isOf(group: Group, { taskId, fence }: Settle, kind: GroupKind): boolean {
  return group.fence === fence && group.taskId === taskId && group.kind === kind;
}

/** As they were claimed, which is mostly by number: the script walks through the lease once. */
function inLeaseOrder(group: Group): Group {
  if (group.isSorted) return group;
  const { settles, places } = group;
  const order = settles
    .map((_, k) => k)
    .sort((a, b) => (settles[a]!.number < settles[b]!.number ? -1 : 1));
  return {
    ...group,
    settles: order.map((k) => settles[k]!),
    places: order.map((k) => places[k]!),
  };
}

/** What their end costs the server: see `core/settle-cost.ts`. */
export function costOfGroups(groups: readonly Group[], keep: KeepRules): number {
  let cost = 0;
  for (const { kind, settles } of groups) {
    if (kind === "c") cost += settles.length;
    else for (const settle of settles) cost += costOf(settle, keep);
  }
  return cost;
}

function kindOf({ outcome, id, scheduleId }: Settle, keep: KeepRules): GroupKind {
  if (outcome.kind !== "completed" || scheduleId !== null) return "x";
  return id === null && keep.completed.count === 0 ? "c" : "k";
}

export function encodeGroup(
  { task, fence, kind, settles }: Group,
  keeps: boolean,
  args: string[],
): void {
  args.push(String(task), fence, kind, String(settles.length));
  if (kind === "x") {
    for (const settle of settles) args.push(...encodeOutcome(settle), settle.scheduleId ?? "");
    return;
  }
  const numbers = settles.map((settle) => settle.number);
  if (kind === "c") {
    args.push(joinedOf(numbers));
    return;
  }
  args.push(numbers.join(" "));
  pushColumn(args, settles, ({ id }) => id ?? "");
  pushColumn(args, settles, ({ outcome }) => (keeps ? resultOf(outcome) : ""));
}

function resultOf(outcome: SettleOutcome): string {
  if (outcome.kind !== "completed" || outcome.result === null) return "";
  return detail({ result: outcome.result });
}

/** How many, then so many texts; none where all of them are empty. */
function pushColumn(
  args: string[],
  settles: readonly Settle[],
  textOf: (settle: Settle) => string,
): void {
  const texts = settles.map(textOf);
  if (texts.some((text) => text !== "")) args.push(String(texts.length), ...texts);
  else args.push("0");
}

function encodeOutcome(settle: Settle): string[] {
  const { outcome, number } = settle;
  const id = settle.id ?? "";
  switch (outcome.kind) {
    case "completed":
      return [number, "c", id, "0", detail({ result: outcome.result })];
    case "retry": {
      const letter = outcome.cause === "invalid" ? "v" : "r";
      return [number, letter, id, wholeNumber(outcome.waitMs), outcome.error ?? ""];
    }
    case "dead": {
      return [
        number,
        deadLetter(outcome.reason),
        id,
        "0",
        detail({ reason: outcome.reason, error: outcome.error }),
      ];
    }
    case "handBack":
      return [number, "h", id, "0", "{}"];
  }
}

/** Interrupted by a stopping scheduler: dead, but no failure of its own. */
function deadLetter(reason: DeadReason): string {
  if (reason === "interrupted") return "i";
  return reason === "invalid" ? "n" : "d";
}

function detail(fields: Record<string, string | null>): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)),
  );
}

/** The store says of a whole group that it completed or was lost, else of each of its jobs. */
export function settledOf(groups: readonly Group[], text: string): SettleAnswer[] {
  const settled: SettleAnswer[] = [];
  const ofGroup = text.split(";");
  groups.forEach(({ places }, g) => {
    const answers = ofGroup[g] ?? "L";
    if (answers === "C") {
      for (const place of places) settled[place] = COMPLETED;
    } else if (answers === "L") {
      for (const place of places) settled[place] = "lost";
    } else {
      const each = answers.split(",");
      places.forEach((place, k) => {
        settled[place] = settleAnswer(each[k] ?? "l");
      });
    }
  });
  return settled;
}

const COMPLETED: SettleAnswer = Object.freeze({ state: "completed", dueAt: null });

function settleAnswer(text: string): SettleAnswer {
  const letter = text.charAt(0);
  if (letter === "l") return "lost";
  if (letter === "h") return { state: "ready", dueAt: null };
  return { state: stateOf(letter), dueAt: letter === "s" ? Number(text.slice(1)) : null };
}
