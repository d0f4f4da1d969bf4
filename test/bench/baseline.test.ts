/** What our Redis store costs per job, in exact counts, does not grow unnoticed. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { figuresOf, grown, HOW_TO_UPDATE, readBaseline } from "../../bench/lib/baseline.mjs";
import { type Counts, countOwn } from "../../bench/lib/own-counts.mjs";
import { systemChance } from "../../src/chance.js";
import { systemClock } from "../../src/clock.js";
import { DEFAULT_KEEP } from "../../src/core/keep.js";
import { createRedisStore } from "../../src/store/redis/store.js";
import { startServer, type TestServer } from "../support/servers.js";

const own = {
  keep: DEFAULT_KEEP,
  storeAt: (port: number, identity: string) =>
    createRedisStore({
      redis: { host: "127.0.0.1", port },
      prefix: "_schedule_mq:",
      identity,
      clock: systemClock,
      chance: systemChance,
    }),
};

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});

afterAll(() => server.stop());

it("commands, scripts, bytes and memory per job are what bench/baseline.json says", async () => {
  const baseline = readBaseline();
  const counts = await countOwn(own, { port: server.port, bytes: baseline.payloadBytes });
  expect(grown(baseline, counts), HOW_TO_UPDATE).toEqual([]);
});

describe("a difference from the baseline", () => {
  const baseline = readBaseline();

  function changed(change: (counts: Counts) => unknown): string[] {
    const counts = structuredClone(baseline);
    change(counts);
    return grown(baseline, counts);
  }

  it("is found in each figure that grows by more than 1 %", () => {
    for (const [verb, count] of Object.entries(baseline.perJob)) {
      for (const name of Object.keys(count) as (keyof typeof count)[]) {
        const found = changed((counts) => {
          const own = counts.perJob[verb];
          if (own) own[name] = own[name] * 1.011;
        });
        expect(found).toEqual([expect.stringContaining(`${verb}: ${name}`)]);
      }
    }
    const found = changed(({ memoryBytes }) => {
      memoryBytes.delayed *= 1.011;
    });
    expect(found).toEqual([expect.stringContaining("memory of a delayed job")]);
  });

  it("is found where a figure is missing or new", () => {
    const missing = changed((counts) => delete counts.perJob["push ×10"]);
    expect(missing).toContain("push ×10: sentBytes: is not counted any more");
    const added = changed((counts) => Object.assign(counts.perJob, { x: { commands: 1 } }));
    expect(added).toEqual(["x: commands: is not in the baseline"]);
  });

  it("is no offence where a figure shrinks, or grows by less", () => {
    expect(changed(() => {})).toEqual([]);
    expect(changed(({ perJob }) => Object.assign(perJob["push ×10"] ?? {}, { inside: 0 }))).toEqual(
      [],
    );
    const little = changed(({ memoryBytes }) => {
      memoryBytes.waiting *= 1.005;
    });
    expect(little).toEqual([]);
  });

  it("of memory is looked for on the same version of Redis only", () => {
    const found = changed((counts) => {
      counts.redis = "9.9.9";
      counts.memoryBytes.waiting *= 2;
    });
    expect(found).toEqual([]);
  });
});

it("the baseline has the verbs at the batch sizes that are watched", () => {
  const names = [...figuresOf(readBaseline()).keys()];
  for (const verb of ["push", "claim", "settle", "work", "push, delayed"]) {
    for (const batch of [1, 10, 100, 400]) {
      expect(names).toContain(`${verb} ×${batch}: scripts`);
    }
  }
  for (const tasks of [10, 50, 100])
    expect(names).toContain(`look, ${tasks} tasks, a call: inside`);
});
