/** A real store for one test: a Redis server of its own, or a SQLite file; and ways to lose it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SchedulerOptions } from "schedule-mq";
import { openRaw } from "../../sqlite/raw.js";
import { startServer, type TestServer } from "../../support/servers.js";

export type Kind = "redis" | "sqlite";
export const KINDS: readonly Kind[] = ["redis", "sqlite"];

/** Nothing that the server has acknowledged is lost when it is killed. */
const DURABLY = ["--appendonly", "yes", "--appendfsync", "always"];

export class World {
  readonly kind: Kind;
  /** For the journal, the data, and whatever else the test writes. */
  readonly folder: string;
  /** How schedulers reach the store. */
  readonly options: Pick<SchedulerOptions, "redisConfig" | "store">;
  #server: TestServer | null;

  private constructor(kind: Kind, folder: string, server: TestServer | null) {
    this.kind = kind;
    this.folder = folder;
    this.#server = server;
    this.options =
      server === null
        ? { store: { path: join(folder, "store.db") } }
        : { redisConfig: { host: server.host, port: server.port } };
  }

  static async open(kind: Kind): Promise<World> {
    const folder = mkdtempSync(join(tmpdir(), "schedule-mq-system-"));
    const server = kind === "redis" ? await startServer({ folder, args: DURABLY }) : null;
    return new World(kind, folder, server);
  }

  /** The Redis server; there is none with SQLite. */
  get server(): TestServer {
    if (this.#server === null) throw new Error("there is no server in this world");
    return this.#server;
  }

  /** Brings a server that was killed back, with its data. */
  async restart(): Promise<void> {
    const { port } = this.server;
    this.#server = await startServer({ folder: this.folder, port, args: DURABLY });
  }

  async close(): Promise<void> {
    await this.#server?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Whether somebody is writing to the SQLite file, and stays at it. */
export async function isLocked({ options }: World): Promise<boolean> {
  const raw = await openRaw((options.store as { path: string }).path);
  try {
    raw.exec("PRAGMA busy_timeout = 250; BEGIN IMMEDIATE; ROLLBACK");
    return false;
  } catch {
    return true;
  } finally {
    raw.close();
  }
}

/** Takes the store away; what it answers gives it back. */
export type TakeAway = (world: World) => Promise<() => Promise<void>>;

const frozen: TakeAway = async ({ server: { pid } }) => {
  process.kill(pid, "SIGSTOP");
  return async () => void process.kill(pid, "SIGCONT");
};

const killed: TakeAway = async (world) => {
  await world.server.crash();
  return () => world.restart();
};

const locked: TakeAway = async ({ options }) => {
  const raw = await openRaw((options.store as { path: string }).path);
  raw.exec("BEGIN EXCLUSIVE");
  return async () => {
    raw.exec("ROLLBACK");
    raw.close();
  };
};

export const OUTAGES: readonly [string, Kind, TakeAway][] = [
  ["a Redis that does not answer", "redis", frozen],
  ["a Redis that was killed", "redis", killed],
  ["a database that somebody else has locked", "sqlite", locked],
];
