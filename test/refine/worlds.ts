/** What is compared with the model: stores whose clock stands still until a run moves it. */
import { Redis } from "ioredis";
import { systemChance } from "../../src/chance.js";
import { systemClock } from "../../src/clock.js";
import type { Store } from "../../src/store/contract.js";
import type { Script, Verb } from "../../src/store/redis/scripts.js";
import { createRedisStore } from "../../src/store/redis/store.js";
import { createMemoryDatabase, createSqliteStore } from "../../src/store/sqlite/store.js";
import { createHandClock } from "../support/hand-clock.js";
import type { TestServer } from "../support/servers.js";
import { stillScripts } from "./scripts.js";

/** Serves one run. */
export interface Subject {
  stores: readonly Store[];
  /** Time passes, or (negative) somebody sets the clock back. */
  setNow(now: number): Promise<void>;
  close(): Promise<void>;
}

export type MakeSubject = (now: number, identities: readonly string[]) => Promise<Subject>;

export const sqliteSubject: MakeSubject = async (now, identities) => {
  const clock = createHandClock(now);
  const chance = systemChance;
  const target = createMemoryDatabase({ clock, chance });
  const rest = { prefix: "refine:", durability: "store", chance } as const;
  const stores = identities.map((identity) =>
    createSqliteStore({ target, clock, identity, ...rest }),
  );
  for (const store of stores) await store.open();
  return {
    stores,
    setNow: async (at) => clock.jump(at - clock.now()),
    close: () => closeAll(stores),
  };
};

let runs = 0;

/**
 * Each run has a prefix of its own, so that nothing of the one before is there. `leastBundled`: how
 * many jobs that are pushed together become a bundle.
 */
export function redisSubject(
  server: TestServer,
  scripts: Readonly<Record<Verb, Script>> = stillScripts,
  leastBundled = 8,
): MakeSubject {
  const { host, port } = server;
  return async (now, identities) => {
    runs += 1;
    const prefix = `refine${runs}:`;
    const client = new Redis({ host, port });
    client.on("error", () => {});
    const setNow = async (at: number) => void (await client.set(`${prefix}{0}:test:now`, at));
    await setNow(now);
    const parts = { clock: systemClock, chance: systemChance };
    const rest = { prefix, scripts, leastBundled, ...parts };
    const stores = identities.map((identity) =>
      createRedisStore({ redis: { host, port }, identity, ...rest }),
    );
    for (const store of stores) await store.open();
    const close = async () => {
      await closeAll(stores);
      client.disconnect();
    };
    return { stores, setNow, close };
  };
}

async function closeAll(stores: readonly Store[]): Promise<void> {
  await Promise.allSettled(stores.map((store) => store.close()));
}
