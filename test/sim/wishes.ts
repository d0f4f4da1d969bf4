/**
 * What people ask for while a world goes on: schedules paused, resumed and triggered, ended jobs
 * issued again. From the pusher's process, through the same network.
 */
import type { Dice } from "./dice.js";
import type { PushPlan, SchedulePlan } from "./plan.js";
import type { World } from "./world.js";

export type Wish =
  | { at: number; kind: "pause" | "resume" | "trigger"; scheduleId: string }
  | { at: number; kind: "redrive"; key: string };

/** Where two instants of a rule never are: what is triggered has an instant of its own. */
const ODD_MS = 337;
/** More than messages differ in their ways. */
const APART_MS = 61;

/** Drawn apart from all else, so that worlds of older seeds stay what they were. */
export function drawWishes(
  dice: Dice,
  given: { lastsMs: number; schedules: readonly SchedulePlan[]; pushes: readonly PushPlan[] },
): Wish[] {
  const { lastsMs, schedules, pushes } = given;
  const wishes: Wish[] = [];
  for (const { versions } of schedules) {
    const scheduleId = versions[0]?.scheduleId ?? "";
    if (dice.says(0.3)) {
      const at = dice.whole(0, lastsMs);
      wishes.push({ at, kind: "pause", scheduleId });
      wishes.push({ at: at + dice.whole(100, 4_000), kind: "resume", scheduleId });
    }
    for (let n = 0; dice.says(0.4) && n * APART_MS < 500; n += 1) {
      const at = Math.floor(dice.whole(0, lastsMs) / 1_000) * 1_000 + ODD_MS + n * APART_MS;
      wishes.push({ at, kind: "trigger", scheduleId });
    }
  }
  for (const { at, key, id } of pushes) {
    if (id === null || !dice.says(0.15)) continue;
    wishes.push({ at: at + dice.whole(500, 6_000), kind: "redrive", key });
  }
  return wishes.filter(({ at }) => at < lastsMs);
}

export class Wishes {
  readonly #world: World;
  #pending = 0;
  /** How often each schedule was asked to fire. */
  readonly #asked = new Map<string, number>();
  /** How often it did, as the server saw it. */
  readonly #done = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
    for (const wish of world.plan.wishes) {
      world.timeline.at(wish.at, () => void this.#answered(wish));
    }
  }

  /** True: nobody waits for the store. */
  get isDone(): boolean {
    return this.#pending === 0;
  }

  /** The server has fired one. */
  triggered(scheduleId: string, at: number): void {
    const count = (this.#done.get(scheduleId) ?? 0) + 1;
    this.#done.set(scheduleId, count);
    const asked = this.#asked.get(scheduleId) ?? 0;
    if (count <= asked) return;
    const what = `${scheduleId} was triggered ${count} times, and asked to ${asked} times`;
    this.#world.witness.broken.push({ invariant: "I7", what, at });
  }

  /** Nothing stays paused. */
  async resumeAll(): Promise<void> {
    const { plan, observer } = this.#world;
    for (const { versions } of plan.schedules) {
      const scheduleId = versions[0]?.scheduleId ?? "";
      await observer.pause({ scheduleId, pause: null, revision: null });
    }
  }

  async #answered(wish: Wish): Promise<void> {
    this.#pending += 1;
    await this.#ask(wish).catch(() => {});
    this.#pending -= 1;
  }

  async #ask(wish: Wish): Promise<unknown> {
    const { pushers, history, coverage } = this.#world;
    const { schedules, jobs } = pushers.member.scheduler;
    this.#world.tell(`wish ${wish.kind}`);
    coverage.note(`wish ${wish.kind}`, "asked");
    if (wish.kind === "redrive") {
      const pushed = history.pushes.find(({ key }) => key === wish.key);
      if (pushed === undefined || pushed.id === null) return null;
      // From the asking on: the answer may be lost.
      pushed.isRedriven = true;
      const answer = await jobs.redrive(pushed.taskId, pushed.id);
      if (answer?.redriven === true) coverage.note("wish redrive", "done");
      return answer;
    }
    const { scheduleId } = wish;
    if (wish.kind !== "trigger") return await schedules[wish.kind](scheduleId);
    this.#asked.set(scheduleId, (this.#asked.get(scheduleId) ?? 0) + 1);
    const answer = await schedules.trigger(scheduleId);
    coverage.note("wish trigger", "done");
    return answer;
  }
}
