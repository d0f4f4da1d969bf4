/**
 * A schedule lives in the shard of its task. Before it is registered in one shard it is looked for
 * in all others: one that is there comes over with its ledger and all else, or may not move yet.
 *  1. the old shard gives it, and keeps a parcel, which does not fire: so it never fires in both
 *  2. the new one takes it in and registers it in one step, within half a minute or never
 *  3. the old one is told that it has arrived
 * Whoever dies before that leaves the parcel. Who registers the schedule next is given it; after a
 * minute whoever tends finds out whether it has arrived, and puts it back if it has not.
 */
import { SchedulerError } from "../../core/errors.js";
import type { RegisterAnswer, RegisterArgs } from "../contract.js";
import { type Parcel, registerOnShard, scheduleOnShard } from "./schedules.js";
import type { Shard } from "./shard.js";

/** Half of what a parcel waits for before it is put back. */
const WITHIN_MS = 30_000;

interface Given extends Parcel {
  fields: readonly string[];
}

export async function registerIn(
  shards: readonly Shard[],
  home: Shard,
  call: RegisterArgs,
): Promise<RegisterAnswer[]> {
  if (shards.length === 1) return await registerOnShard(home, call);
  // Asked before anything is given: what comes late is refused by the same clock.
  const [now] = await home.run("give", { args: ["0"] });
  const others = shards.filter((shard) => shard !== home);
  const { given, refused } = await askFor(others, call);
  const isRefused = ({ scheduleId }: { scheduleId: string }) => refused.has(scheduleId);
  const parcels = given.filter((one) => !isRefused(one));
  await tellAll(given.filter(isRefused), "back");
  const schedules = call.schedules.filter((one) => !isRefused(one));
  const until = Number(now) + WITHIN_MS;
  const answers = await registerOnShard(home, { ...call, schedules }, { until, parcels }).catch(
    async (error: unknown) => {
      // It has not been done, and will not be: at home again at once.
      const isNotDone = error instanceof SchedulerError && error.code === "STORE_REFUSED";
      if (isNotDone) await tellAll(parcels, "back");
      throw error;
    },
  );
  const done = new Set(answers.filter(isDone).map(({ scheduleId }) => scheduleId));
  const hasArrived = ({ scheduleId }: Parcel) => done.has(scheduleId);
  await tellAll(parcels.filter(hasArrived), "arrived");
  await tellAll(
    parcels.filter((one) => !hasArrived(one)),
    "back",
  );
  let next = 0;
  return call.schedules.map(
    ({ scheduleId }) => refused.get(scheduleId) ?? (answers[next++] as RegisterAnswer),
  );
}

/** Else it has left what it was given. */
function isDone({ outcome }: RegisterAnswer): boolean {
  return outcome === "added" || outcome === "changed" || outcome === "unchanged";
}

/** Parcels that nobody cares for any more: each is forgotten where it has arrived, or put back. */
export async function settleParcels(
  shards: readonly Shard[],
  parcels: readonly Parcel[],
): Promise<void> {
  for (const parcel of parcels) {
    const others = shards.filter((shard) => shard !== parcel.shard);
    try {
      const found = await Promise.all(
        others.map((shard) => scheduleOnShard(shard, parcel.scheduleId)),
      );
      await tell(parcel, found.some((detail) => detail !== null) ? "arrived" : "back");
    } catch {
      // A shard is away: whoever tends next finds it again.
    }
  }
}

/** What the others have: given, or refused because it may not move yet. */
async function askFor(
  others: readonly Shard[],
  { registration, schedules }: RegisterArgs,
): Promise<{ given: Given[]; refused: Map<string, RegisterAnswer> }> {
  const given: Given[] = [];
  const refused = new Map<string, RegisterAnswer>();
  const ids = schedules.map(({ scheduleId }) => scheduleId);
  const call = [registration === null ? "0" : "1", ...ids];
  const ask = async (shard: Shard): Promise<void> => {
    const reply = (await shard.run("give", { args: call })) as [string, ...string[][]];
    const [now, ...found] = reply;
    for (const [scheduleId = "", outcome, revision, nextAt = "", ...fields] of found) {
      if (outcome === "given") given.push({ shard, scheduleId, givenAt: now, fields });
      else
        refused.set(scheduleId, {
          scheduleId,
          outcome: outcome as RegisterAnswer["outcome"],
          generation: 0,
          revision: Number(revision),
          nextAt: nextAt === "" ? null : Number(nextAt),
          contested: false,
          now: Number(now),
        });
    }
  };
  const asked = await Promise.allSettled(others.map(ask));
  const failed = asked.find((one) => one.status === "rejected");
  if (failed === undefined) return { given, refused };
  await tellAll(given, "back");
  throw failed.reason;
}

/** What is not told now is found out by whoever tends. */
async function tellAll(parcels: readonly Parcel[], what: "arrived" | "back"): Promise<void> {
  await Promise.allSettled(parcels.map((parcel) => tell(parcel, what)));
}

async function tell({ shard, scheduleId, givenAt }: Parcel, what: "arrived" | "back") {
  await shard.run("parcel", { args: [what, scheduleId, givenAt] });
}
