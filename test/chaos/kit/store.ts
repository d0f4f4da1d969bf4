/** The store of a fault run: a server or a file, how it dies and comes back, its raw contents. */
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { Redis } from "ioredis";
import type { SchedulerOptions } from "schedule-mq";
import { rowsOf } from "../../sqlite/raw.js";
import { freePort, type ServerKind, startServer, type TestServer } from "../../support/servers.js";
import { Shim } from "./shim.js";

export type Persistence = "always" | "everysec" | "snapshots" | "none";

export interface Store {
  readonly kind: "redis" | "sqlite";
  readonly shim: Shim | null;
  /** How schedulers reach it, through a proxy where one is given. */
  options(port: number | null): SchedulerOptions;
  /** Epoch ms of its clock, as soon as it answers; null: it does not. */
  clock(): Promise<number | null>;
  /** All that it holds of jobs, as text. */
  texts(where: "live" | "all"): Promise<string[]>;
  close(): Promise<void>;
}

const NAME = /"name":"([^"]+)"/g;
const OCCURRENCE = /"s":"([^"]+)","o":(\d+)/g;

/** The names of jobs, and occurrences, that stand in texts. */
export function namesIn(texts: readonly string[]): string[] {
  return texts.flatMap((text) => [
    ...[...text.matchAll(NAME)].map(([, name = ""]) => name),
    ...[...text.matchAll(OCCURRENCE)].map(([, id, at]) => `${id}@${at}`),
  ]);
}

const PERSISTENCE: Record<Persistence, string[]> = {
  always: ["--appendonly", "yes", "--appendfsync", "always"],
  everysec: ["--appendonly", "yes", "--appendfsync", "everysec"],
  snapshots: ["--save", "1 1"],
  none: [],
};

export class RedisStore implements Store {
  readonly kind = "redis";
  readonly persistence: Persistence;
  readonly shim: Shim | null;
  readonly #server: { kind: ServerKind; folder: string; port: number };
  #running: TestServer | null = null;
  #client: Redis | null = null;

  private constructor(args: {
    server: { kind: ServerKind; folder: string; port: number };
    persistence: Persistence;
    shim: Shim | null;
  }) {
    this.#server = args.server;
    this.persistence = args.persistence;
    this.shim = args.shim;
  }

  static async open(args: {
    folder: string;
    server: ServerKind;
    persistence: Persistence;
    needsShim: boolean;
  }): Promise<RedisStore> {
    const folder = join(args.folder, "server");
    mkdirSync(folder);
    const shim = args.needsShim ? new Shim(folder, { images: false }) : null;
    const server = { kind: args.server, folder, port: await freePort() };
    return new RedisStore({ server, persistence: args.persistence, shim });
  }

  get port(): number {
    return this.#server.port;
  }

  get pid(): number {
    if (this.#running === null) throw new Error("the server is down");
    return this.#running.pid;
  }

  get isUp(): boolean {
    return this.#running !== null;
  }

  /** A direct way in; the server has to be up. */
  get client(): Redis {
    if (this.#client === null) throw new Error("the server is down");
    return this.#client;
  }

  async start(more: readonly string[] = []): Promise<void> {
    const args = [...PERSISTENCE[this.persistence], "--enable-debug-command", "yes", ...more];
    const env = this.shim?.env ?? {};
    this.#running = await startServer({ ...this.#server, args, env });
    this.#client = new Redis({
      host: "127.0.0.1",
      port: this.port,
      commandTimeout: 3_000,
      maxRetriesPerRequest: 0,
      retryStrategy: () => 100,
    });
    this.#client.on("error", () => {});
  }

  /** kill -9. */
  async crash(): Promise<void> {
    this.#client?.disconnect();
    this.#client = null;
    await this.#running?.crash();
    this.#running = null;
  }

  options(port: number | null): SchedulerOptions {
    return { redisConfig: { host: "127.0.0.1", port: port ?? this.port } };
  }

  /** What the server has said. */
  log(): string {
    const path = join(this.#server.folder, "server.log");
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  }

  async clock(): Promise<number | null> {
    const time = await this.#client?.time().catch(() => null);
    return time ? Number(time[0]) * 1_000 + Number(time[1]) / 1_000 : null;
  }

  async texts(where: "live" | "all"): Promise<string[]> {
    const pattern = where === "live" ? /:t:[^:]*:(jobs|later)$/ : /:t:/;
    const keys = (await this.client.keys("*")).filter((key) => pattern.test(key));
    const values = await Promise.all(
      keys.map(async (key) => {
        const type = await this.client.type(key);
        return type === "hash" ? await this.client.hvals(key) : [];
      }),
    );
    return values.flat();
  }

  async close(): Promise<void> {
    this.#client?.disconnect();
    await this.#running?.stop();
    this.shim?.close();
  }
}

export class SqliteStore implements Store {
  readonly kind = "sqlite";
  readonly shim: Shim | null;
  readonly durability: "fsync" | "store";
  readonly folder: string;

  constructor(args: { folder: string; durability: "fsync" | "store"; needsShim: boolean }) {
    this.folder = join(args.folder, "data");
    mkdirSync(this.folder);
    this.durability = args.durability;
    this.shim = args.needsShim ? new Shim(this.folder, { images: true }) : null;
  }

  get path(): string {
    return join(this.folder, "store.db");
  }

  options(): SchedulerOptions {
    return { store: { path: this.path }, durability: this.durability };
  }

  /** Once the disk has taken a byte: all that is promised of a file waits for it as well. */
  async clock(): Promise<number> {
    const file = await open(join(this.folder, "..", "stall"), "w");
    try {
      await file.write("?");
      await file.datasync();
    } finally {
      await file.close();
    }
    return Date.now();
  }

  async texts(where: "live" | "all"): Promise<string[]> {
    const only = where === "live" ? "WHERE state IN (2, 3, 4)" : "";
    const rows = await rowsOf(this.path, `SELECT head || payload AS text FROM job ${only}`);
    return rows.map(({ text }) => String(text));
  }

  /** What a power cut leaves: what was synced. All who had it open must be dead. */
  cutPower(): void {
    const names = ["store.db", "store.db-wal", "store.db-journal"];
    this.shim?.cutImaged(names);
    rmSync(`${this.path}-shm`, { force: true });
  }

  async close(): Promise<void> {
    this.shim?.close();
  }
}
