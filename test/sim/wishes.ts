/**
 * What people ask for while a world goes on: schedules paused, resumed and triggered, ended jobs
 * issued again, and what `runtime.ts` draws. From the pusher's process, through the same network.
 */
import { SchedulerError } from "../../src/core/errors.js";
import type { BackfillResult } from "../../src/types.js";
import type { Dice } from "./dice.js";
import type { Member } from "./member.js";
import type { PushPlan, SchedulePlan } from "./plan.js";
import { isInstant } from "./rules.js";
import type { RuntimeWish } from "./runtime.js";
import type { World } from "./world.js";

export type Wish =
  | { at: number; kind: "pause" | "resume" | "trigger"; scheduleId: string }
  | { at: number; kind: "redrive"; key: string }
  | RuntimeWish;

type WishOf<Kind extends Wish["kind"]> = Extract<Wish, { kind: Kind }>;

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
  return wishes;
}

export class Wishes {
  readonly #world: World;
  /** Who waits for an answer; each stands for one wish. */
  readonly #pending = new Set<{ by: Member }>();
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
    return [...this.#pending].every(({ by }) => by.machine.isDead);
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
    const { observer, scheduleIds } = this.#world;
    for (const scheduleId of scheduleIds) {
      await observer.pause({ scheduleId, pause: null, revision: null });
    }
  }

  async #answered(wish: Wish): Promise<void> {
    const waiting = { by: this.#memberFor(wish) };
    this.#pending.add(waiting);
    this.#world.tell(`wish ${wish.kind}`);
    this.#world.coverage.note(`wish ${wish.kind}`, "asked");
    await this.#ask(wish, waiting.by).catch((error: unknown) => {
      if (error instanceof SchedulerError) return;
      this.#world.history.shocks.push(`wish ${wish.kind}: ${(error as Error)?.stack ?? error}`);
    });
    this.#pending.delete(waiting);
  }

  /** Of what a function leaves out, only those who register it can tell. */
  #memberFor({ kind }: Wish): Member {
    const { pushers, workers } = this.#world;
    const isFree = (member: Member | null) => member !== null && !member.isStopping;
    return (kind === "backfill" ? workers.find(isFree) : null) ?? pushers.member;
  }

  async #ask(wish: Wish, { scheduler }: Member): Promise<void> {
    const { schedules } = scheduler;
    switch (wish.kind) {
      case "redrive":
        return await this.#redrive(wish);
      case "trigger":
        this.#asked.set(wish.scheduleId, (this.#asked.get(wish.scheduleId) ?? 0) + 1);
        await schedules.trigger(wish.scheduleId);
        break;
      case "upsert":
        await schedules.upsert(wish.taskId, wish.rule as never);
        break;
      case "remove":
        if (!(await schedules.remove(wish.scheduleId))) return;
        break;
      case "backfill":
        if (!(await this.#fillIn(wish, scheduler))) return;
        break;
      case "read":
        await this.#read(wish);
        break;
      default:
        await schedules[wish.kind](wish.scheduleId);
    }
    this.#world.coverage.note(`wish ${wish.kind}`, "done");
  }

  async #redrive({ key }: WishOf<"redrive">): Promise<void> {
    const { pushers, history, coverage } = this.#world;
    const pushed = history.pushes.find((each) => each.key === key);
    if (pushed === undefined || pushed.id === null) return;
    // From the asking on: the answer may be lost.
    pushed.isRedriven = true;
    const answer = await pushers.member.scheduler.jobs.redrive(pushed.taskId, pushed.id);
    if (answer?.redriven === true) coverage.note("wish redrive", "done");
  }

  /** True: something was filled in. */
  async #fillIn(wish: WishOf<"backfill">, { schedules }: Member["scheduler"]): Promise<boolean> {
    const to = this.#world.server.clock.now() - wish.agoMs;
    const span = { from: to - wish.spanMs, to };
    const answer = await schedules.backfill(wish.scheduleId, span);
    this.#judge(wish.scheduleId, span, answer);
    return answer.fired.length + answer.waiting.length > 0;
  }

  /** Each occurrence of the span stands in one list, and nothing else does. */
  #judge(scheduleId: string, span: { from: number; to: number }, answer: BackfillResult): void {
    const { timeline, witness, plan } = this.#world;
    const rules = [
      ...plan.schedules.flatMap(({ versions }) => versions),
      ...plan.wishes.flatMap((wish) => (wish.kind === "upsert" ? [wish.rule] : [])),
    ].filter((rule) => rule.scheduleId === scheduleId);
    const fired = answer.fired.map(({ scheduledFor }) => scheduledFor);
    const all = [...fired, ...answer.waiting, ...answer.skipped];
    const isWrong = (at: number): boolean =>
      at < span.from || at > span.to || !rules.some((rule) => isInstant(rule, at));
    const wrong = all.filter(isWrong);
    if (wrong.length === 0 && new Set(all).size === all.length) return;
    const what = `${scheduleId}: a backfill of ${span.from} to ${span.to} says ${all}`;
    witness.broken.push({ invariant: "I7", what, at: timeline.now });
  }

  /** What is answered the witness has seen, and judged. */
  async #read({ what, taskId, state, nth }: WishOf<"read">): Promise<void> {
    const { pushers, history, scheduleIds } = this.#world;
    const { jobs, schedules } = pushers.member.scheduler;
    const scheduleId = scheduleIds[nth % Math.max(1, scheduleIds.length)];
    const pushed = history.pushes[nth % Math.max(1, history.pushes.length)];
    if (what === "counts") await jobs.counts(taskId);
    if (what === "list") await jobs.list(taskId, { state });
    if (what === "get" && pushed?.id != null) await jobs.get(pushed.taskId, pushed.id);
    if (what === "schedules") await schedules.list();
    if (scheduleId === undefined) return;
    if (what === "schedule") await schedules.get(scheduleId);
    if (what === "ledger") await schedules.ledger(scheduleId);
  }
}
