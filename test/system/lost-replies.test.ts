/** Claims about whole schedulers whose requests are carried out and whose answers get lost. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy.js";
import { until } from "../support/until.js";
import { type Fleet, withFleet } from "./kit/fleet.js";
import { readLedger, tally } from "./kit/journal.js";
import { lasting } from "./kit/lasting.js";

const FAULTS = 50;
/** These faults are black holes; the long one is noticed before it ends. */
const HOLES_MS = new Map([
  [10, 200],
  [25, 3_000],
  [40, 500],
]);
const kinds = [
  { taskId: "task", push: { data: { plan: [5] } } },
  { taskId: "task", push: { data: {} } },
];

test("every retry-off job runs exactly once, whatever answers are lost on the way", () =>
  withFleet({ kind: "redis" }, async (fleet) => {
    const ledger = join(fleet.world.folder, "ledger");
    const proxies = await Promise.all([0, 1, 2].map(() => startFaultProxy(fleet.world.server)));
    try {
      const [one, two, three] = proxies.map(({ port }) => ({
        logger: false as const,
        redisConfig: { host: "127.0.0.1", port },
      }));
      await Promise.all(
        [one, two].map((scheduler) => fleet.worker({ scheduler: scheduler ?? {} })),
      );
      const pusher = fleet.run("pusher", { ledger, kinds, everyMs: 2, scheduler: three });
      await until("work", () => fleet.journal.ends().length > 50, 10_000);
      await Promise.all(proxies.map(loseReplies));
      pusher.tell("stop");
      await pusher.hears("finished", 15_000);
      await everythingRanOnce(fleet, ledger);
    } finally {
      await Promise.all(proxies.map((proxy) => proxy.close()));
    }
  }));

/** Lets a few answers through, loses the next one together with its connection, and so on. */
async function loseReplies(proxy: FaultProxy): Promise<void> {
  for (let n = 1; n <= FAULTS; n += 1) {
    for (let passed = (n * 7) % 12; passed > 0; passed -= 1) await proxy.nextReply();
    const holeMs = HOLES_MS.get(n);
    proxy.set(holeMs === undefined ? "mute" : "blackHole");
    // What vanishes in a black hole gives no sign, so there the time is the fault.
    if (holeMs === undefined) await proxy.nextReply();
    else await lasting(holeMs);
    proxy.set("none");
    proxy.cut();
  }
}

async function everythingRanOnce(fleet: Fleet, ledger: string): Promise<void> {
  const pushes = readLedger(ledger);
  const stored = pushes.filter(({ what }) => what === "ok");
  expect(stored.length).toBeGreaterThan(500);
  const drained = async () => {
    const { ready, running } = await fleet.scheduler.jobs.counts("task");
    return ready + running === 0;
  };
  await until("nothing waits or runs", drained, 15_000);
  const ran = tally(fleet.journal.starts());
  const wrong = stored.flatMap(({ name }) => {
    const times = ran.get(name) ?? 0;
    return times === 1 ? [] : [{ name, times }];
  });
  expect(wrong).toEqual([]);
  // Of a push that was rejected nobody knows; but twice is never right.
  expect([...ran].filter(([, times]) => times > 1)).toEqual([]);
  expect((await fleet.scheduler.jobs.counts("task")).dead).toBe(0);
}
