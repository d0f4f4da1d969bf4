/**
 * A day at load in a real store, in the seconds that its jobs take: what is left after the first
 * part of it is all that is ever left, in the store and in the process.
 */
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { rowsOf } from "../sqlite/raw.js";
import { until } from "../support/until.js";
import { type Fleet, withFleet } from "./kit/fleet.js";
import type { Message } from "./kit/member.js";
import { KINDS } from "./kit/worlds.js";

/** A job a second for a day. */
const [PARTS, JOBS] = [6, 14_400];

/** After so many parts all that may be kept is there. */
const SETTLED_AFTER = 2;
/** The last ones of each kind that are kept are not always as many. */
const FEW = 150;
/** What 70,000 jobs more may leave, each the size of some kB: 40 bytes of each. */
const HEAP_BYTES = 3e6;

interface Part extends Message {
  ran: number;
  heap: number;
  resources: number;
  listeners: number;
}

const CARDINALITIES: Record<string, string> = {
  hash: "HLEN",
  zset: "ZCARD",
  list: "LLEN",
  set: "SCARD",
};

/** How much of each kind stands in the store. */
async function sizesOf({ world }: Fleet): Promise<Map<string, number>> {
  if (world.kind === "sqlite") {
    const { path } = world.options.store as { path: string };
    const tables = await rowsOf(path, "SELECT name FROM sqlite_schema WHERE type = 'table'");
    const counts = tables.map(({ name }) => `SELECT '${name}' AS name, count(*) AS n FROM ${name}`);
    const rows = await rowsOf(path, counts.join(" UNION ALL "));
    return new Map(rows.map(({ name, n }) => [String(name), Number(n)]));
  }
  const { host, port } = world.server;
  const redis = new Redis({ host, port });
  try {
    const sizes = new Map<string, number>();
    for (const key of await redis.keys("*")) {
      const count = CARDINALITIES[await redis.type(key)];
      // Sessions of others come and go.
      const kind = key.replace(/session:.*/, "session");
      const size = count === undefined ? 1 : Number(await redis.call(count, key));
      sizes.set(kind, (sizes.get(kind) ?? 0) + size);
    }
    return sizes;
  } finally {
    redis.disconnect();
  }
}

test.each(KINDS)("a day of jobs leaves no more behind than its first hours: %s", (kind) =>
  withFleet({ kind }, async (fleet) => {
    const day = fleet.run("day", { parts: PARTS, jobs: JOBS });
    const heard = () => day.messages.filter(({ type }) => type === "part") as Part[];
    const sizes: Map<string, number>[] = [];
    for (let part = 1; part <= PARTS; part += 1) {
      await until(`part ${part} to be over`, () => heard().length === part, 60_000);
      sizes.push(await sizesOf(fleet));
      day.tell("on");
    }
    await day.hears("stopped");
    const [early, late] = [heard()[SETTLED_AFTER - 1]!, heard().at(-1)!];
    expect(late.ran).toBeGreaterThan(PARTS * JOBS);
    const before = sizes[SETTLED_AFTER - 1]!;
    const grown = [...sizes.at(-1)!].filter(([name, n]) => n > (before.get(name) ?? 0) + FEW);
    expect(grown).toEqual([]);
    expect(late.heap - early.heap).toBeLessThan(HEAP_BYTES);
    expect(late.resources).toBeLessThanOrEqual(early.resources + 3);
    expect(late.listeners).toBe(early.listeners);
  }),
);
