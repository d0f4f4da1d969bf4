/** Claims about what schedulers that have nothing to do ask of a Redis server. */
import { expect, test } from "vitest";
import { until } from "../support/until.js";
import { withFleet } from "./kit/fleet.js";
import { lasting } from "./kit/lasting.js";
import { isProbe, monitor, type Seen } from "./kit/monitor.js";

/** Resolves when nothing has been sent for a while. */
function quiet(seen: () => readonly Seen[], ms: number): Promise<unknown> {
  const begunAt = Date.now();
  const isQuiet = () => Date.now() - (seen().at(-1)?.at ?? begunAt) >= ms;
  return until("the schedulers are quiet", isQuiet, 15_000);
}

const shown = (seen: readonly Seen[]) => seen.map(({ text }) => text.slice(0, 120)).join("\n");

test.concurrent("with fifty idle tasks a scheduler sends little more than a command a second", () =>
  withFleet({ kind: "redis" }, async (fleet) => {
    const tasks = Array.from({ length: 50 }, (_, n) => `task ${n}`);
    await fleet.worker({ tasks });
    const { seen, close } = await monitor(fleet.world.server);
    try {
      // The first proof that wake-ups arrive comes long after everything has settled.
      await until("it has settled", () => seen.some(isProbe), 30_000);
      const before = seen.length;
      const windowMs = 8_000;
      await lasting(windowMs);
      const sent = seen.slice(before);
      expect(sent.length / (windowMs / 1_000), shown(sent)).toBeLessThanOrEqual(1.35);
      expect(sent.length).toBeGreaterThan(3);
    } finally {
      close();
    }
  }));

test.concurrent("a push wakes one of ten sleeping schedulers, not all", () =>
  withFleet({ kind: "redis", options: { pollInterval: "30s" } }, async (fleet) => {
    const sleepers = await fleet.worker({ copies: 10 });
    const all = () => sleepers.messages.filter(({ type }) => type === "started").length === 10;
    await until("all ten have started", all, 10_000);
    await fleet.push();
    const { seen, close } = await monitor(fleet.world.server);
    const work = () => seen.filter((one) => !isProbe(one));
    try {
      await quiet(work, 700);
      const before = work().length;
      const id = await fleet.push();
      await until("it is run", () => fleet.journal.ends({ jobId: id })[0]);
      await quiet(work, 700);
      const sent = work().slice(before);
      expect(sent.length, shown(sent)).toBeLessThanOrEqual(8);
    } finally {
      close();
    }
  }));
