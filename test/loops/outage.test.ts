/**
 * An outage of the store that is longer than registrations last: whoever comes back first does not
 * take the others, who live, for gone.
 */
import { expect, test } from "vitest";
import type { EventMap } from "../../src/core/events.js";
import type { Scheduler } from "../../src/types.js";
import { createScene, listen, ofEvent, type Recorded, type Told, unreachable } from "./scene.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

type Member = Recorded & { scheduler: Scheduler; told: Told[] };

/** Schedulers on one store that each can be cut off from it. */
class Outage {
  readonly scene = createScene();
  readonly members: Member[] = [];
  readonly ran: { data: unknown; at: number }[] = [];
  readonly #cut = new Set<Member>();

  async member(
    register: readonly [taskId: string, options: object][],
    bind: readonly string[] = register.map(([taskId]) => taskId),
  ): Promise<Member> {
    const { clock } = this.scene;
    const recorded = this.scene.scheduler({ pollInterval: "1s" });
    const member = Object.assign(recorded, { told: listen(recorded.scheduler) });
    member.before = () => {
      if (this.#cut.has(member)) throw unreachable();
    };
    for (const taskId of bind) {
      member.scheduler.bind(taskId, (data, { scheduledFor }) => {
        this.ran.push({ data, at: scheduledFor ?? 0 });
      });
    }
    for (const [taskId, options] of register) {
      member.scheduler.register(taskId, { scheduleId: taskId, ...options } as never);
    }
    const started = member.scheduler.start();
    await clock.settle();
    await started;
    this.members.push(member);
    return member;
  }

  /** Nobody reaches the store for so long; then `first` does, half a minute before the others. */
  async strike(ms: number, first: Member): Promise<void> {
    const { clock } = this.scene;
    for (const member of this.members) this.#cut.add(member);
    await clock.advance(ms);
    this.#cut.delete(first);
    await clock.advance(30 * SECOND);
    this.#cut.clear();
    await clock.advance(5 * MINUTE);
  }

  told<Name extends "schedule:orphaned" | "schedule:conflict">(name: Name): EventMap[Name][] {
    return this.members.flatMap(({ told }) => ofEvent(told, name));
  }

  async stop(): Promise<void> {
    for (const { scheduler } of this.members) {
      const stopped = scheduler.stop();
      await this.scene.clock.settle();
      await stopped;
    }
  }
}

const BRIEF = { every: "1m", orphan: "remove", orphanAfter: "1m" } as const;

test.each([["who registers, too"], ["who has only bound"]])(
  "after an outage of two hours the first back, %s, makes no orphans",
  async (who) => {
    const outage = new Outage();
    const one = await outage.member([["x", BRIEF]]);
    await outage.member([["y", BRIEF]]);
    const bound = await outage.member([], ["x", "y"]);
    await outage.scene.clock.advance(3 * MINUTE);
    await outage.strike(2 * HOUR, who === "who has only bound" ? bound : one);
    expect(outage.told("schedule:orphaned")).toEqual([]);
    const since = outage.scene.clock.now() - 4 * MINUTE;
    expect(outage.ran.filter(({ at }) => at > since)).toHaveLength(8);
    await outage.stop();
  },
);

test("after an outage of two hours the older version, first back, does not take over", async () => {
  const outage = new Outage();
  const old = await outage.member([["t", { every: "1m", data: "old" }]]);
  await outage.member([["t", { every: "1m", data: "new" }]]);
  await outage.scene.clock.advance(3 * MINUTE);
  const before = await revisionOf(outage);
  outage.ran.length = 0;
  await outage.strike(2 * HOUR, old);
  expect(outage.ran.length).toBeGreaterThan(5);
  expect(outage.ran.filter(({ data }) => data === "old")).toEqual([]);
  const instants = outage.ran.map(({ at }) => at);
  expect(new Set(instants).size).toBe(instants.length);
  expect(await revisionOf(outage)).toEqual(before);
  await outage.stop();
});

test("who does not come back after an outage is an orphan's parent a while later", async () => {
  const outage = new Outage();
  const one = await outage.member([["x", BRIEF]]);
  const gone = await outage.member([["y", BRIEF]], []);
  const bound = await outage.member([], ["y"]);
  await outage.scene.clock.advance(3 * MINUTE);
  gone.before = () => {
    throw unreachable();
  };
  await outage.strike(2 * HOUR, bound);
  expect(outage.told("schedule:orphaned")).toMatchObject([{ scheduleId: "y", action: "remove" }]);
  expect(one.told.filter(({ name }) => name === "schedule:conflict")).toEqual([]);
  await outage.stop();
});

/**
 * Two hold a job each under leases of 10 s, and nobody reaches the store for a while that begins
 * `atMs`; the first is back a second and a half later than the other. What the first lost.
 */
async function lostBy({ atMs, awayMs }: { atMs: number; awayMs: number }): Promise<unknown[]> {
  const { clock, scheduler, push } = createScene();
  const away = { owner: false, other: false };
  const member = (name: "owner" | "other") => {
    const made = scheduler({ lease: "10s", pollInterval: "1s" });
    made.before = () => {
      if (away[name]) throw unreachable();
    };
    made.scheduler.bind(name, () => new Promise(() => {}));
    return made.scheduler;
  };
  const [owner, other] = [member("owner"), member("other")];
  await other.start();
  await push("other", { retry: true });
  await clock.advance(1_500);
  await owner.start();
  await push("owner", { retry: true });
  await clock.advance(atMs);
  Object.assign(away, { owner: true, other: true });
  await clock.advance(awayMs);
  away.other = false;
  await clock.advance(1_500);
  away.owner = false;
  const told = listen(owner);
  await clock.advance(15_000);
  const stopping = [owner.stop(), other.stop()];
  await clock.advance(60_000);
  await Promise.all(stopping);
  return ofEvent(told, "lease:lost");
}

test("an outage just shorter than is noticed by its length takes nobody's job", async () => {
  for (let atMs = 5_600; atMs < 7_600; atMs += 250) {
    for (const awayMs of [4_000, 5_500, 6_400]) {
      expect(await lostBy({ atMs, awayMs }), `${awayMs} ms from ${atMs} on`).toEqual([]);
    }
  }
});

/** What a change of definition would raise. */
async function revisionOf({ scene }: Outage): Promise<unknown> {
  const { store } = scene.openStore();
  await store.open();
  const { revision, generation, digest } = (await store.schedule({ scheduleId: "t" })) ?? {};
  return { revision, generation, digest };
}
