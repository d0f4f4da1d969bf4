/**
 * Schedules that move between the shards of a store: how many there are, tasks in each, and who
 * moves them: one that dies, or one that stands still.
 */
import { createHash } from "node:crypto";
import { systemChance } from "../../src/chance.js";
import { systemClock } from "../../src/clock.js";
import type { RegisterAnswer, Store } from "../../src/store/contract.js";
import type { Script, Verb } from "../../src/store/redis/scripts.js";
import type { Home } from "../../src/store/redis/session.js";
import type { Shard } from "../../src/store/redis/shard.js";
import { shardOfTask } from "../../src/store/redis/shards.js";
import { createRedisStore } from "../../src/store/redis/store.js";
import { testScripts } from "../../src/store/redis/testing-scripts.js";
import { HOUR_MS, schedule } from "../contract/words.js";
import type { World } from "../contract/world.js";
import { planted } from "../support/mutate.js";
import { PREFIX } from "../support/redis-world.js";
import type { TestServer } from "../support/servers.js";

export const SHARDS = 4;
export const MINUTE_MS = 60_000;

export function taskIn(shard: number): string {
  const names = Array.from({ length: 50 }, (_, n) => `t${n}`);
  return names.find((name) => shardOf(name) === shard) as string;
}

export function shardOf(taskId: string): number {
  return shardOfTask(taskId, SHARDS);
}

export async function shardsOf(store: Store): Promise<readonly Shard[]> {
  return await (store as unknown as { session: Home }).session.shards(1_000);
}

/** Registers it, as at run time: due in an hour. */
export async function write(
  world: World,
  by: Store,
  { taskId, digest = taskId }: { taskId: string; digest?: string },
): Promise<RegisterAnswer | undefined> {
  const written = schedule({ scheduleId: "s", taskId, firstAt: (await world.now()) + HOUR_MS });
  const schedules = [{ ...written, digest }];
  return (await by.register({ registration: null, schedules }))[0];
}

/** Tasks of the schedules that are alive. */
export async function tasksOf(store: Store): Promise<string[]> {
  const page = await store.schedules({ taskId: null, limit: 10, cursor: null });
  return page.schedules.map(({ taskId }) => taskId);
}

/** One that dies before the first of these scripts. */
export function mortalStore({ host, port }: TestServer, verbs: readonly Verb[]): Store {
  const dead = verbs.map((verb): [Verb, Script] => {
    const text = `#!lua\nreturn redis.error_reply('ERR the process is gone before ${verb}')`;
    return [verb, { text, sha1: createHash("sha1").update(text).digest("hex") }];
  });
  return createRedisStore({
    ...{ redis: { host, port }, prefix: PREFIX, shards: SHARDS },
    ...{ clock: systemClock, chance: systemChance, identity: systemChance.identity() },
    scripts: { ...planted(testScripts), ...Object.fromEntries(dead) },
  });
}

/** That shard is away for it: nothing can be sent there. */
export async function deafTo(one: Store, index: number): Promise<void> {
  await tasksOf(one);
  const shard = (await shardsOf(one))[index]!;
  Object.defineProperty(shard, "isThere", { value: false });
  shard.run = () => Promise.reject(shard.unreachable());
}

/** Where one stands still: before this script, in any shard or this one. */
interface Stop {
  verb: Verb;
  shard?: number;
}

/** What it does stands still at the first such script, until told to go on. */
export async function stopAt<Answer>(
  world: World,
  one: Store,
  { verb, shard: only, act }: Stop & { act: () => Promise<Answer> },
): Promise<() => Promise<Answer>> {
  let goOn = () => {};
  const goes = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  let stops = () => {};
  const stopped = new Promise<void>((resolve) => {
    stops = resolve;
  });
  for (const shard of await shardsOf(one)) {
    const run = shard.run.bind(shard);
    if (only === undefined || shard.index === only) {
      shard.run = async (asked, call) => {
        if (asked === verb) {
          stops();
          await goes;
        }
        return await run(asked, call);
      };
    }
  }
  const done = act();
  done.catch(() => {});
  await stopped;
  // What happens next is not in the same ms.
  await world.advance(2);
  return () => {
    goOn();
    return done;
  };
}
