/** A page of schedules, by their ids, over several shards: each gives its own, they are merged. */
import { ofNoPage } from "../../core/errors.js";
import type { SchedulePage, SchedulesArgs, ScheduleView } from "../contract.js";
import { schedulesOnShard } from "./schedules.js";
import type { Shard } from "./shard.js";

/** The cursor is the place after which a page begins, the same for all shards. */
export async function pageOfShards(
  shards: readonly Shard[],
  args: SchedulesArgs,
): Promise<SchedulePage> {
  const { taskId, limit, cursor } = args;
  if (cursor !== null && !cursor.startsWith("n")) throw ofNoPage(cursor);
  const call = { taskId, limit, place: cursor ?? "" };
  const pages = await Promise.all(shards.map((shard) => schedulesOnShard(shard, call)));
  const now = Math.max(...pages.map((page) => page.now));
  const [only] = pages;
  if (pages.length === 1 && only !== undefined) {
    return { schedules: only.schedules, cursor: only.place === "" ? null : only.place, now };
  }
  // Beyond the first place at which a shard has stopped, it may have more.
  const stops = pages.flatMap(({ place }) => (place === "" ? [] : [place])).sort(byBytes);
  const horizon = stops[0] ?? null;
  const found = pages
    .flatMap((page) => page.schedules)
    .filter((view) => horizon === null || byBytes(placeOf(view), horizon) <= 0)
    .sort((a, b) => byBytes(placeOf(a), placeOf(b)));
  const schedules = found.slice(0, limit);
  const last = schedules.at(-1);
  const isCut = schedules.length < found.length && last !== undefined;
  return { schedules, cursor: isCut ? placeOf(last) : horizon, now };
}

function placeOf({ scheduleId }: ScheduleView): string {
  return `n${scheduleId}`;
}

/** As the server orders names. */
function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
