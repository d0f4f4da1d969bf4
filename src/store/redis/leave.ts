/**
 * Saying good-bye: a scheduler that stops is no sleeper any more, and then its session is closed.
 */
import type { Clock } from "../../clock.js";
import type { Shard } from "./shard.js";

/** It is a courtesy, since dead sleepers are found out: it is not waited for longer than this. */
const LONGEST_MS = 500;

export async function leave(
  shards: readonly Shard[],
  args: {
    identity: string;
    clock: Clock;
    taskIdsOf: (shard: number) => readonly string[];
    isOver: boolean;
  },
): Promise<void> {
  const left = Promise.allSettled(
    shards.map((shard) =>
      shard.run("leave", {
        taskKeys: [args.taskIdsOf(shard.index).map((id) => shard.keys.sleepers(id))],
        args: [args.identity, args.isOver ? "1" : "0"],
      }),
    ),
  );
  const tooLong = new Promise<void>((done) => {
    args.clock.after(LONGEST_MS, done, { keepAlive: false });
  });
  await Promise.race([left, tooLong]);
}
