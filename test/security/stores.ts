/** Both kinds of store for the public API, and schedulers on them that end with their test. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll } from "vitest";
import { createScheduler } from "../../src/index.js";
import type { Scheduler, SchedulerOptions } from "../../src/types.js";
import { startServer, type TestServer } from "../support/servers.js";

export type StoreKind = "SQLite" | "Redis";
export const KINDS: readonly StoreKind[] = ["SQLite", "Redis"];

export interface Stores {
  /** A scheduler on the store of this kind that is new for each test. */
  create(kind: StoreKind, options?: SchedulerOptions): Scheduler;
  server(): TestServer;
  admin(): Redis;
  folder(): string;
}

/** For the tests of the file that calls it. */
export function storesForThisFile(): Stores {
  let server: TestServer | undefined;
  let admin: Redis | undefined;
  let folder = "";
  const created: Scheduler[] = [];
  const there = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error("it is made by beforeAll");
    return value;
  };
  beforeAll(async () => {
    server = await startServer();
    admin = new Redis({ host: server.host, port: server.port });
    folder = mkdtempSync(join(tmpdir(), "schedule-mq-hostile-"));
  }, 30_000);
  afterEach(async () => {
    await Promise.all(created.splice(0).map((scheduler) => scheduler.stop()));
    await admin?.flushall();
  });
  afterAll(async () => {
    admin?.disconnect();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  let files = 0;
  return {
    server: () => there(server),
    admin: () => there(admin),
    folder: () => folder,
    create(kind, options = {}) {
      files += 1;
      const { host, port } = there(server);
      const where =
        kind === "Redis"
          ? { redisConfig: { host, port } }
          : { store: { path: join(folder, `${files}.db`) } };
      const scheduler = createScheduler({ ...where, logger: false, ...options });
      scheduler.on("error", () => {});
      created.push(scheduler);
      return scheduler;
    },
  };
}
