/**
 * What handlers wrote about the occurrences that they ran for, against what should have been and
 * what the ledger says: three accounts that have to agree.
 */
import type { LedgerInfo } from "schedule-mq";
import { expect } from "vitest";
import { until } from "../../support/until.js";
import type { Fleet } from "./fleet.js";

/** The instants for which jobs were begun, each job once, in order. */
export function begun(fleet: Fleet): number[] {
  const byJob = new Map<string, number>();
  for (const { jobId, scheduledFor } of fleet.journal.starts()) {
    if (scheduledFor !== undefined) byJob.set(jobId, scheduledFor);
  }
  return [...byJob.values()].sort((a, b) => a - b);
}

export function twice(instants: readonly number[]): number[] {
  return instants.filter((at, n) => instants.indexOf(at) !== n);
}

/** Every `stepMs` from the first to the last, once each. */
export function rowOf(instants: readonly number[], stepMs: number): number[] {
  const [first = 0] = instants;
  const count = Math.round(((instants.at(-1) ?? 0) - first) / stepMs) + 1;
  return Array.from({ length: count }, (_, n) => first + n * stepMs);
}

/** Waits until so many more jobs than now have begun. */
export async function more(fleet: Fleet, count: number, stepMs = 1_000): Promise<void> {
  const wanted = begun(fleet).length + count;
  const reached = () => begun(fleet).length >= wanted;
  await until(`${wanted} occurrences`, reached, count * stepMs + 15_000);
}

/** None twice, none missing from the first to the last, and the ledger says the same. */
export async function expectEachOnce(
  fleet: Fleet,
  { scheduleId = "task", stepMs = 1_000 } = {},
): Promise<void> {
  const { schedules } = fleet.scheduler;
  const ledgered = async () => firedOf(await schedules.ledger(scheduleId));
  // One that fired a moment ago may not have begun.
  await until(
    "all that fired to have begun",
    async () => {
      const there = begun(fleet);
      return (await ledgered()).every((at) => there.includes(at));
    },
    10_000,
  );
  const firsts = fleet.journal.starts({ attempt: 1 }).map(({ jobId }) => jobId);
  expect(
    firsts.filter((id, n) => firsts.indexOf(id) !== n),
    "begun twice",
  ).toEqual([]);
  const ran = begun(fleet);
  expect(twice(ran), "ran twice").toEqual([]);
  expect(ran, "ran").toEqual(rowOf(ran, stepMs));
  expect(
    (await ledgered()).sort((a, b) => a - b),
    "fired, by the ledger",
  ).toEqual(ran.slice(-100));
}

/** The instants for which jobs of one schedule, with that name, were begun, each job once. */
export function instantsOf({ journal }: Fleet, scheduleId: string, name?: string): number[] {
  const filter = { scheduleId, ...(name !== undefined && { name }) };
  const byJob = new Map(
    journal.starts(filter).map(({ jobId, scheduledFor = 0 }) => [jobId, scheduledFor]),
  );
  return [...byJob.values()].sort((a, b) => a - b);
}

/**
 * For a store that has gone back in time, and forgot some that fired: none ran for two jobs, and
 * each from the first to the last ran, or the ledger says why not.
 */
export async function expectNoneLost(
  fleet: Fleet,
  scheduleId: string,
  { stepMs = 1_000 } = {},
): Promise<void> {
  const ledger = await fleet.scheduler.schedules.ledger(scheduleId);
  await until(
    `all that fired of ${scheduleId} to have begun`,
    () => {
      const there = instantsOf(fleet, scheduleId);
      return firedOf(ledger).every((at) => there.includes(at));
    },
    10_000,
  );
  const ran = instantsOf(fleet, scheduleId);
  expect(twice(ran), `${scheduleId} ran twice`).toEqual([]);
  const given = ledger.filter(({ jobId }) => jobId === null);
  const isGiven = (at: number) =>
    given.some(({ scheduledFor, lastAt }) => scheduledFor <= at && at <= lastAt);
  const lost = rowOf(ran, stepMs).filter((at) => !ran.includes(at) && !isGiven(at));
  expect(lost, `${scheduleId}: neither ran nor in the ledger`).toEqual([]);
}

export function firedOf(ledger: readonly LedgerInfo[]): number[] {
  return ledger.filter(({ jobId }) => jobId !== null).map(({ scheduledFor }) => scheduledFor);
}
