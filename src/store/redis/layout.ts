/**
 * The version of the key layout and the number of shards: decided once per data set, in shard 0.
 */
import { SchedulerError } from "../../core/errors.js";

/** What this library writes and understands. Changes of keys or record formats raise it. */
export const LAYOUT_VERSION = 5;

/** Of a new data set on a single server; on a Cluster it has more. */
export const SHARDS_WANTED = 1;

export interface Layout {
  shards: number;
  /** Random identity of the data: another one means that the data were lost or replaced. */
  born: string;
  now: number;
  /** The run of the server for which other shards told how tasks are spread; "": of none. */
  toldFor: string;
}

export function decodeLayout(reply: readonly string[], prefix: string): Layout {
  const [version = "", shards = "", born = "", now = "", toldFor = ""] = reply;
  if (Number(version) > LAYOUT_VERSION) {
    throw new SchedulerError(
      "LAYOUT_NEWER",
      `the data under "${prefix}" have layout ${version}, this version knows ${LAYOUT_VERSION}`,
      { fix: "update schedule-mq here, or use another redisPrefix", value: version },
    );
  }
  if (!(Number(version) >= 1) || !(Number(shards) >= 1)) {
    throw new SchedulerError(
      "STORE_DAMAGED",
      `the layout record under "${prefix}" reads version "${version}", shards "${shards}"`,
      { fix: "something else wrote it: use another redisPrefix, or delete that key" },
    );
  }
  return { shards: Number(shards), born, now: Number(now), toldFor };
}
