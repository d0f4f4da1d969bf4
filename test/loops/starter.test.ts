/** Whoever starts right after an outage takes nothing from those who live and had it, too. */
import { expect, test } from "vitest";
import { createScene, listen, ofEvent, unreachable } from "./scene.js";

/**
 * Two hold a job each under leases of 10 s, and nobody reaches the store for a while that begins
 * `atMs`. When it is over a third one starts, a second and a half before the two are back. What
 * they lost.
 */
async function lostBy({ atMs, awayMs }: { atMs: number; awayMs: number }): Promise<unknown[]> {
  const { clock, scheduler, push } = createScene();
  let isAway = false;
  const member = (name: string) => {
    const made = scheduler({ lease: "10s", pollInterval: "1s" });
    made.before = () => {
      if (isAway) throw unreachable();
    };
    made.scheduler.bind(name, () => new Promise(() => {}));
    return made.scheduler;
  };
  const [other, owner] = [member("other"), member("owner")];
  await other.start();
  await push("other", { retry: true });
  await clock.advance(1_500);
  await owner.start();
  await push("owner", { retry: true });
  await clock.advance(atMs);
  isAway = true;
  await clock.advance(awayMs);
  const starter = scheduler({ lease: "10s", pollInterval: "1s" }).scheduler;
  starter.bind("owner", () => new Promise(() => {}));
  await starter.start();
  await clock.advance(1_500);
  isAway = false;
  const told = [listen(owner), listen(other)];
  await clock.advance(15_000);
  const stopping = [owner.stop(), other.stop(), starter.stop()];
  await clock.advance(60_000);
  await Promise.all(stopping);
  return told.flatMap((each) => ofEvent(each, "lease:lost"));
}

test("whoever starts when an outage is over takes nobody's job", async () => {
  const lost: string[] = [];
  for (let atMs = 5_600; atMs < 7_600; atMs += 250) {
    for (const awayMs of [4_000, 5_500, 6_400]) {
      const events = await lostBy({ atMs, awayMs });
      if (events.length > 0) lost.push(`${awayMs} ms from ${atMs} on`);
    }
  }
  expect(lost).toEqual([]);
});
