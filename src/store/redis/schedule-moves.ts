/**
 * A schedule lives in the shard of its task. Before it is registered in one shard it is looked for
 * in all others: one that is there comes over with its ledger and all else, or may not move yet.
 *
 * It leaves the old shard before it enters the new one, so that it never fires in both. Between the
 * two it is nowhere: whoever dies there has lost a schedule of code until it is registered again.
 */
import type { RegisterAnswer, RegisterArgs, ScheduleWrite } from "../contract.js";
import type { Shard } from "./shard.js";

/** The answers for those that may not move yet; all others are at home, or new. */
export async function bringHome(
  shards: readonly Shard[],
  home: Shard,
  args: RegisterArgs,
): Promise<Map<string, RegisterAnswer>> {
  const refused = new Map<string, RegisterAnswer>();
  const ids = args.schedules.map(({ scheduleId }: ScheduleWrite) => scheduleId);
  const call = [args.registration === null ? "0" : "1", ...ids];
  await Promise.all(
    shards
      .filter((shard) => shard !== home)
      .map(async (shard) => {
        const found = (await shard.run("give", { args: call })) as string[][];
        for (const entry of found) {
          const [scheduleId = "", outcome, revision, nextAt = "", now, ...fields] = entry;
          if (outcome === "given") await takeIn({ from: shard, home, scheduleId, fields });
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
      }),
  );
  return refused;
}

interface Move {
  from: Shard;
  home: Shard;
  scheduleId: string;
  fields: readonly string[];
}

async function takeIn({ from, home, scheduleId, fields }: Move): Promise<void> {
  const call = { args: [scheduleId, ...fields] };
  try {
    await home.run("take", call);
  } catch (error) {
    // Rather back to where it was than nowhere.
    await from.run("take", call);
    throw error;
  }
}
