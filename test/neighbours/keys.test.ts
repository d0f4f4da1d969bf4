/** What befell others when keys vanished under their jobs: evicted, expired, or deleted by hand. */
import { describe, expect, test } from "vitest";
import type { Scheduler } from "../../src/types.js";
import type { FaultProxy } from "../support/fault-proxy.js";
import { until } from "../support/until.js";
import { gate, type Scene, withScene } from "./scene.js";

const options = { lease: 500, pollInterval: 200 };
const AGAIN = { retry: true, retryTimeout: 1 } as const;
/** Two that run, one that waits for them, and one that is due when all else is done. */
const JOBS = [{ ...AGAIN, id: "named" }, AGAIN, AGAIN, { ...AGAIN, delay: 9_000 }];
const RUNNING = 2;

/** Of a key of these schedulers: what kind it is, without names of tasks and schedulers. */
function kindOf(key: string): string {
  return key.replace(/^.*\{0\}:(?:(t):[^:]*:)?(session|\w+).*$/, "$1$2");
}

/** The jobs themselves: without its record a job is gone. */
const RECORDS = ["tjobs", "tlater"];
const MUST_BE_THERE = ["meta", "moments", "leases", "lease", "tready", "tdue", "tclaimed", "tids"];

interface Ward {
  /** Its schedulers are apart from those of all others. */
  prefix: string;
  /** Lets the handlers end. */
  open: () => void;
  /** Looks, and works when it is started. */
  other: Scheduler;
}

/** Jobs that run in one scheduler, behind the proxy; another one stands by. */
async function ward(scene: Scene, proxy: FaultProxy, prefix: string): Promise<Ward> {
  const common = { ...options, redisPrefix: prefix };
  const redisConfig = { host: "127.0.0.1", port: proxy.port };
  const { passed, open } = gate();
  const owner = { ...common, redisConfig };
  await scene.worker({ options: owner, concurrency: RUNNING, work: () => passed });
  const other = scene.create(common).bind("task", () => {});
  await other.pushMany("task", JOBS);
  const running = async () => (await other.jobs.counts("task")).running;
  await until("two to run", async () => (await running()) === RUNNING, 10_000);
  return { prefix, open, other };
}

/** Deletes or expires the keys of one kind; says whether there were any. */
async function lose({ redis }: Scene, { prefix }: Ward, kind: string): Promise<boolean> {
  const keys = await redis.keys(`${prefix}*`);
  const found = keys.filter((key) => kindOf(key) === kind);
  for (const key of found) await (Math.random() < 0.5 ? redis.del(key) : redis.pexpire(key, 1));
  return found.length > 0;
}

async function kindsOf({ redis }: Scene, { prefix }: Ward): Promise<string[]> {
  const keys = await redis.keys(`${prefix}*`);
  return [...new Set(keys.map(kindOf))].filter((kind) => !RECORDS.includes(kind));
}

/** The kinds of keys whose loss has left jobs that have not completed, and their fate. */
async function left(wards: ReadonlyMap<string, Ward>): Promise<Record<string, object>> {
  const found: Record<string, object> = {};
  for (const [kind, { other }] of wards) {
    const { running, ready, scheduled, total } = await other.jobs.counts("task");
    // What has completed is a number and nothing else: lost with its key.
    const isDone = total.completed >= JOBS.length || kind === "tstats";
    if (running + ready + scheduled > 0 || !isDone) {
      found[kind] = { running, ready, scheduled, total };
    }
  }
  return found;
}

/** Jobs that run under no lease any more get one of this length. */
const NOBODYS_LEASE_MS = 10_000;

describe.concurrent("hibiken/asynq#1144, hibiken/asynq#1051", () => {
  test.each(["is cut off", "goes on"])(
    "8: no key that vanishes leaves a job running or waiting for ever (its process %s)",
    { timeout: 60_000 },
    (fate) =>
      withScene("redis", async (scene) => {
        const proxy = await scene.proxy();
        const kinds = await kindsOf(scene, await ward(scene, proxy, "first:"));
        expect(kinds).toEqual(expect.arrayContaining(MUST_BE_THERE));
        const made = kinds.map(async (kind) => {
          return [kind, await ward(scene, proxy, `${kind}:`)] as const;
        });
        const wards = new Map(await Promise.all(made));
        if (fate === "is cut off") proxy.set("blackHole");
        for (const [kind, lost] of wards) expect(await lose(scene, lost, kind), kind).toBe(true);
        for (const { other, open } of wards.values()) {
          await other.start();
          // Somebody does so each minute, unasked.
          await other.repair();
          if (fate === "goes on") open();
        }
        const none = async () => Object.keys(await left(wards)).length === 0;
        await until("all to end", none, NOBODYS_LEASE_MS + 10_000).catch(() => {});
        expect(await left(wards)).toEqual({});
      }),
  );
});
