/**
 * Those who push: as planned, from the pusher's process or from a worker's. What they hear is
 * written down; a job with an id of its own is pushed again until it is known to be stored.
 */
import { SchedulerError } from "../../src/core/errors.js";
import type { Pushed, Try } from "./history.js";
import type { Member } from "./member.js";
import type { PushPlan } from "./plan.js";
import type { World } from "./world.js";

/** Codes after which it may be stored all the same. */
const UNKNOWN: ReadonlySet<string> = new Set(["STORE_NO_ANSWER", "STORE_FAILED"]);
const AGAIN_MS = 700;

export class Pushers {
  readonly #world: World;
  readonly #own: Member;
  /** Whose pushes are not known to be stored yet; each stands for one. */
  readonly #open = new Set<{ by: Member }>();

  constructor(world: World, own: Member) {
    this.#world = world;
    this.#own = own;
    for (const plan of world.plan.pushes) this.#plan(plan);
  }

  get member(): Member {
    return this.#own;
  }

  /** True: nobody waits for the store. */
  get isDone(): boolean {
    // What a dead process wanted to hear, nobody waits for.
    return [...this.#open].every(({ by }) => by.machine.isDead);
  }

  /** One more, to see that all is well; it counts like the others. */
  probe(member: Member, key: string, taskId: string): void {
    const plan: PushPlan = {
      ...{ at: this.#world.timeline.now, key, taskId, id: key, retry: true, retryMs: 0 },
      ...{ delayMs: 0, priority: 0, acts: [], cancelAt: null, note: "" },
    };
    this.#send(plan, this.#noted(plan), member);
  }

  #plan(plan: PushPlan): void {
    const { timeline } = this.#world;
    timeline.at(plan.at, () => {
      const pushed = this.#noted(plan);
      this.#send(plan, pushed, this.#own);
      if (plan.cancelAt === null) return;
      timeline.at(plan.cancelAt, () => this.#cancel(plan, pushed));
    });
  }

  #noted({ key, taskId, retry, delayMs, note }: PushPlan): Pushed {
    const pushed: Pushed = {
      ...{ key, taskId, retryOff: retry === false, attempts: Number(retry) },
      ...{ delayMs, payload: JSON.stringify({ key, note }), tries: [], id: null },
      ...{ isCancelled: false, isRedriven: false },
    };
    if (retry === true) pushed.attempts = 0;
    this.#world.history.pushes.push(pushed);
    return pushed;
  }

  #send(plan: PushPlan, pushed: Pushed, member: Member): void {
    const { timeline, server } = this.#world;
    const { key, taskId, id, retry, retryMs, delayMs, priority, note } = plan;
    const storeSentAt = server.clock.nowExact();
    const one: Try = { sentAt: timeline.now, storeSentAt, endedAt: null, end: "unknown" };
    pushed.tries.push(one);
    const waiting = { by: member };
    this.#open.add(waiting);
    const options = {
      ...{ data: { key, note }, delay: delayMs, priority, retry },
      ...(id === null ? {} : { id }),
      ...(retry === false ? {} : { retryTimeout: retryMs }),
    };
    const sending = member.scheduler.push(taskId, options);
    const ended = (end: Try["end"]): void => {
      one.endedAt = timeline.now;
      one.end = end;
      this.#open.delete(waiting);
      this.#world.tell(`push ${key} ${end}`);
      if (end !== "stored" && id !== null) this.#again(plan, pushed, member);
    };
    sending.then(
      (answer) => {
        pushed.id = answer.id;
        ended("stored");
      },
      (error: unknown) => ended(endOf(error)),
    );
  }

  #again(plan: PushPlan, pushed: Pushed, member: Member): void {
    const waiting = { by: member };
    this.#open.add(waiting);
    this.#world.timeline.in(AGAIN_MS, () => {
      this.#open.delete(waiting);
      this.#send(plan, pushed, member);
    });
  }

  #cancel({ taskId }: PushPlan, pushed: Pushed): void {
    if (pushed.id === null) return;
    pushed.isCancelled = true;
    this.#own.scheduler.jobs.cancel(taskId, pushed.id).catch(() => {});
  }
}

function endOf(error: unknown): Try["end"] {
  const code = error instanceof SchedulerError ? error.code : "";
  return UNKNOWN.has(code) ? "unknown" : "refused";
}
