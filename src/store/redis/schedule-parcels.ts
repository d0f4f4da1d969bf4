/**
 * What becomes of schedules that whoever moved them has left behind: parcels that are not known to
 * have arrived, and schedules that are alive in two shards.
 */
import { fateOnShard, type Kept, type Parcel, twinsOnShard } from "./schedules.js";
import type { Shard } from "./shard.js";

/**
 * Parcels that nobody cares for any more: each is forgotten where it has arrived, or put back. One
 * that may have a newer one waits until that is settled: so the newest comes back, and no other.
 */
export async function settleParcels(
  shards: readonly Shard[],
  parcels: readonly Parcel[],
): Promise<void> {
  for (const parcel of parcels) {
    const others = shards.filter((shard) => shard !== parcel.shard);
    try {
      const fates = await Promise.all(others.map((shard) => fateOnShard(shard, parcel)));
      const hasArrived = fates.includes("here") || fates.includes("gone");
      if (hasArrived) await tell(parcel, "arrived");
      else if (!fates.includes("wait")) await tell(parcel, "back", parcel.askedSince);
    } catch {
      // A shard is away: whoever tends next finds it again.
    }
  }
}

/**
 * What is alive in two shards, as when two programs register it at once: the older one becomes a
 * parcel, of which whoever tends finds out that it has arrived. One that is registered stays.
 */
export async function partTwins(shards: readonly Shard[], kept: readonly Kept[]): Promise<void> {
  const there = shards.filter(({ isThere }) => isThere);
  await Promise.allSettled(
    there.map(async (shard) => {
      const elsewhere = kept.filter((one) => one.shard !== shard);
      if (elsewhere.length === 0) return;
      const twins = new Set(await twinsOnShard(shard, elsewhere));
      for (const one of elsewhere.filter(({ scheduleId }) => twins.has(scheduleId))) {
        const args = ["0", String(shard.index), one.scheduleId];
        await one.shard.run("give", { args });
      }
    }),
  );
}

/** What is not told now is found out by whoever tends. */
export async function tellAll(parcels: readonly Parcel[], what: "arrived" | "back"): Promise<void> {
  await Promise.allSettled(parcels.map((parcel) => tell(parcel, what)));
}

async function tell(
  { shard, scheduleId, givenAt }: Parcel,
  what: "arrived" | "back",
  askedSince = "",
): Promise<void> {
  await shard.run("parcel", { args: [what, scheduleId, givenAt, askedSince] });
}
