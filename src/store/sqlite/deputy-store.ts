/** What a deputy needs of a SQLite file, by a connection of its own. */

import type { DeputyStore, KeepRules, Settle } from "../contract.js";
import { loadDriver } from "./driver.js";
import { createSqliteStore, type SqliteStoreOptions } from "./store.js";

export interface SqliteDeputyOptions extends SqliteStoreOptions {
  leaseMs: number;
  keep: KeepRules;
}

/** Loads what it needs; does not open the file yet. */
export async function createSqliteDeputyStore(options: SqliteDeputyOptions): Promise<DeputyStore> {
  await loadDriver();
  const { leaseMs, keep } = options;
  const store = createSqliteStore(options);
  return {
    renew: (args) => store.renew(args),
    handBack: async (batches) => {
      const settles = batches.flatMap(({ fence, taskId, numbers }) =>
        numbers.map((number): Settle => {
          // This store knows them by itself.
          const unasked = { id: null, scheduleId: null } as const;
          return { fence, taskId, number, ...unasked, outcome: { kind: "handBack" } };
        }),
      );
      await store.work({ settles, claims: [], idle: false, leaseMs, keep });
    },
    close: () => store.close(),
  };
}
