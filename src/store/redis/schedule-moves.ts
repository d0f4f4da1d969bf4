/**
 * A schedule lives in the shard of its task. Before it is registered in one shard it is looked for
 * in all others: one that is there comes over with its ledger and all else, or may not move yet.
 *  1. the old shard gives it, and keeps a parcel, which does not fire: so it never fires in both
 *  2. the new one takes it in and registers it in one step, within half a minute or never
 *  3. the old one is told that it has arrived
 * Whoever dies before that leaves the parcel. Who registers the schedule next is given it; after a
 * minute whoever tends finds out whether it has arrived, and puts it back if it has not. Until half
 * a minute is over it is given to that shard only, so that it cannot arrive in two. Of parcels that
 * several have left the newest is given or put back, and the older ones wait until it is alive.
 *
 * While a shard is away what is at home, or was given alive, is nowhere else. All else waits.
 */
import { isAway, SchedulerError } from "../../core/errors.js";
import type { RegisterAnswer, RegisterArgs } from "../contract.js";
import { settleParcels, tellAll } from "./schedule-parcels.js";
import { dropGone, type Parcel, registerOnShard } from "./schedules.js";
import type { Shard } from "./shard.js";

/** Half of what a parcel waits for before it is put back. */
const WITHIN_MS = 30_000;

interface Given extends Parcel {
  /** False: it was a parcel already, and may be alive where that went. */
  wasAlive: boolean;
  fields: readonly string[];
}

interface Asked {
  given: readonly Given[];
  refused: ReadonlyMap<string, RegisterAnswer>;
  /** When they were removed, while a shard was away that may have parcels of them. */
  gone: ReadonlyMap<string, number>;
  /** Why one of them was not asked; null: all were. */
  failure: unknown;
}

/** Rejects with the reason when one of all shards is away and nothing could be registered. */
export async function registerIn(
  shards: readonly Shard[],
  home: Shard,
  call: RegisterArgs,
): Promise<RegisterAnswer[]> {
  if (shards.length === 1) return await registerOnShard(home, call);
  const others = shards.filter((shard) => shard !== home);
  const there = others.filter(({ isThere }) => isThere);
  const first = await registerAfter(there, { home, call, areAll: there.length === others.length });
  const open = call.schedules.filter((_, k) => first.answers[k]?.outcome === "away");
  if (open.length === 0) return first.answers;
  if (there.length === others.length) return orReject(first);
  // These cannot be without the others: waits for them as long as any call does.
  const rest = { home, call: { ...call, schedules: open }, areAll: true };
  const second = await registerAfter(others, rest);
  let next = 0;
  const answers = first.answers.map((answer) =>
    answer.outcome === "away" ? (second.answers[next++] ?? answer) : answer,
  );
  return orReject({ ...second, answers });
}

interface Registered {
  answers: RegisterAnswer[];
  /** Why some are away. */
  failure: unknown;
}

function orReject({ answers, failure }: Registered): RegisterAnswer[] {
  const [first] = answers;
  if (first === undefined || answers.some(({ outcome }) => outcome !== "away")) return answers;
  throw failure ?? onItsWay(first);
}

function onItsWay({ scheduleId }: RegisterAnswer): SchedulerError {
  const message =
    `schedule "${scheduleId}" was on its way to a task of another shard less than half a minute ` +
    "ago, and is not known to have arrived";
  const fix = "nothing was changed: try again in half a minute";
  return new SchedulerError("STORE_UNREACHABLE", message, { fix, value: scheduleId });
}

async function registerAfter(
  others: readonly Shard[],
  { home, call, areAll }: { home: Shard; call: RegisterArgs; areAll: boolean },
): Promise<Registered> {
  // Asked before anything is given: what comes late is refused by the same clock.
  const [now] = await home.run("give", { args: ["0", ""] });
  const asked = await askFor(others, { ...call, to: home.index });
  const { refused, failure } = asked;
  const given = await withoutGone(asked, home);
  const allAsked = areAll && failure === null;
  const isRefused = ({ scheduleId }: { scheduleId: string }) => refused.has(scheduleId);
  const isToTake = (one: Given) => (one.wasAlive || allAsked) && !isPast(one, given);
  const parcels = given.filter((one) => !isRefused(one) && isToTake(one));
  const schedules = call.schedules.filter((one) => !isRefused(one));
  const until = Number(now) + WITHIN_MS;
  const taken = { allAsked, until, parcels };
  const answers = await registerOnShard(home, { ...call, schedules }, taken).catch(
    async (error: unknown) => {
      // It has not been done, and will not be: at home again at once.
      const isNotDone = error instanceof SchedulerError && error.code === "STORE_REFUSED";
      if (isNotDone) await settle([home, ...others], given);
      throw error;
    },
  );
  const done = new Set(answers.filter(isDone).map(({ scheduleId }) => scheduleId));
  const hasArrived = ({ scheduleId }: Parcel) => done.has(scheduleId);
  await tellAll(given.filter(hasArrived), "arrived");
  const left = given.filter((one) => !hasArrived(one));
  if (allAsked) await settle([home, ...others], left);
  else await tellAll(left.filter(wasAlive), "back");
  let next = 0;
  return {
    answers: call.schedules.map(
      ({ scheduleId }) => refused.get(scheduleId) ?? (answers[next++] as RegisterAnswer),
    ),
    failure,
  };
}

/** What was removed begins anew: what is left of its past is forgotten, here as well. */
async function withoutGone({ given, gone }: Asked, home: Shard): Promise<readonly Given[]> {
  if (gone.size === 0) return given;
  const isForgotten = ({ scheduleId, since, wasAlive }: Given) =>
    !wasAlive && Number(since) <= (gone.get(scheduleId) ?? 0);
  const drops = given.filter(isForgotten).map((one) => ({ shard: one.shard, id: one.scheduleId }));
  for (const id of gone.keys()) drops.push({ shard: home, id });
  const forget = drops.map(({ shard, id }) => dropGone(shard, id, gone.get(id) ?? 0));
  await Promise.all(forget).catch(async (error: unknown) => {
    await tellAll(given.filter(wasAlive), "back");
    throw error;
  });
  return given.filter((one) => !isForgotten(one));
}

/** A parcel may be the past of what is alive elsewhere, or of a newer parcel. */
function isPast(one: Given, given: readonly Given[]): boolean {
  return given.some((other) => {
    if (other === one || other.scheduleId !== one.scheduleId) return false;
    if (other.wasAlive !== one.wasAlive) return other.wasAlive;
    const ahead = other.revision - one.revision;
    return ahead > 0 || (ahead === 0 && other.shard.index > one.shard.index);
  });
}

function wasAlive(one: Given): boolean {
  return one.wasAlive;
}

/** Else it has left what it was given. */
function isDone({ outcome }: RegisterAnswer): boolean {
  return outcome === "added" || outcome === "changed" || outcome === "unchanged";
}

/** What was alive is so again, then whatever was a parcel before is looked for elsewhere. */
async function settle(shards: readonly Shard[], given: readonly Given[]): Promise<void> {
  await tellAll(given.filter(wasAlive), "back");
  await settleParcels(
    shards,
    given.filter((one) => !one.wasAlive),
  );
}

/**
 * What the others have: given, or refused because it may not move yet. They are asked once more for
 * what was nowhere alive, but was lately: it may have gone from one that was asked late to one that
 * was asked early. What is given meanwhile goes to nobody else.
 */
async function askFor(
  others: readonly Shard[],
  call: RegisterArgs & { to: number },
): Promise<Asked> {
  const first = await askOnce(others, call, []);
  const alive = first.given.filter(wasAlive);
  const isUnsure = (id: string) => first.unsure.has(id) && !isIn(alive, id);
  const schedules = call.schedules.filter(({ scheduleId }) => isUnsure(scheduleId));
  if (schedules.length === 0 || first.failure !== null) return first;
  const second = await askOnce(others, { ...call, schedules }, first.given);
  return {
    given: second.given,
    refused: new Map([...first.refused, ...second.refused]),
    gone: new Map([...first.gone, ...second.gone]),
    failure: second.failure,
  };
}

async function askOnce(
  others: readonly Shard[],
  { registration, schedules, to }: RegisterArgs & { to: number },
  before: readonly Given[],
): Promise<Asked & { unsure: ReadonlySet<string> }> {
  const given = [...before];
  const refused = new Map<string, RegisterAnswer>();
  const gone = new Map<string, number>();
  const moving: RegisterAnswer[] = [];
  const unsure = new Set<string>();
  const ask = async (shard: Shard): Promise<void> => {
    const known = before.filter((one) => one.shard === shard);
    const ids = schedules.map(({ scheduleId }) => scheduleId).filter((id) => !isIn(known, id));
    if (ids.length === 0) return;
    const call = [registration === null ? "0" : "1", String(to), ...ids];
    const reply = (await shard.run("give", { args: call })) as [string, ...string[][]];
    const [now, ...found] = reply;
    for (const [scheduleId = "", outcome, revision, nextAt = "", ...fields] of found) {
      if (outcome === "again" || outcome === "left") unsure.add(scheduleId);
      if (outcome === "given" || outcome === "again") {
        const its = { since: revision ?? now, revision: Number.parseInt(fields[0] ?? "", 10) };
        const parcel = { shard, scheduleId, givenAt: now, askedSince: now, ...its };
        given.push({ ...parcel, wasAlive: outcome === "given", fields });
        continue;
      }
      if (outcome === "gone") {
        gone.set(scheduleId, Math.max(gone.get(scheduleId) ?? 0, Number(revision)));
        continue;
      }
      const answer = {
        ...{ scheduleId, generation: 0, revision: Number(revision), contested: false },
        nextAt: nextAt === "" ? null : Number(nextAt),
        now: Number(now),
      };
      if (outcome === "moving") moving.push({ ...answer, outcome: "away" });
      else if (outcome !== "left") {
        refused.set(scheduleId, { ...answer, outcome: outcome as RegisterAnswer["outcome"] });
      }
    }
  };
  const failures: unknown[] = [];
  for (const asked of await Promise.allSettled(others.map(ask))) {
    if (asked.status === "rejected") failures.push(asked.reason);
  }
  for (const answer of moving) {
    if (!hasArrivedOnce(answer, given)) refused.set(answer.scheduleId, answer);
  }
  const refusal = failures.find((error) => !isAway(error));
  if (refusal === undefined) return { given, refused, gone, failure: failures[0] ?? null, unsure };
  await tellAll(given.filter(wasAlive), "back");
  throw refusal;
}

/** What it was given for is done: it is alive there, and nobody else was given it. */
function hasArrivedOnce({ scheduleId, revision }: RegisterAnswer, given: readonly Given[]) {
  return revision === 1 && isIn(given.filter(wasAlive), scheduleId);
}

function isIn(given: readonly Given[], id: string): boolean {
  return given.some(({ scheduleId }) => scheduleId === id);
}
