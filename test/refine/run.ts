/** Carries out a random sequence, step by step, on a store and its model. */
import type { KeepRules } from "../../src/core/keep.js";
import type { Decision } from "../../src/core/schedule/outcome.js";
import type { DueSchedule, Fire, Registration } from "../../src/store/contract.js";
import { defined, type Held, heldOf, newJob, schedule, settleOf } from "../contract/words.js";
import { KEEPS, KILLER, outcomeOf } from "./outcomes.js";
import { IDS, type Step, type StepOf, TASKS } from "./steps.js";
import { Twin } from "./twin.js";
import type { MakeSubject } from "./worlds.js";

/** All leases last equally long: how the two notice outages of others is their own affair. */
const LEASE_MS = 60_000;

/** The rule of every schedule: one occurrence each so many ms. */
const PERIOD_MS = 10_000;
const MOST_DECISIONS = 4;

export async function runOn(
  make: MakeSubject,
  { keep, steps }: { keep: number; steps: readonly Step[] },
): Promise<void> {
  const twin = await Twin.begin(make);
  try {
    const run = new Run(twin, KEEPS[keep] as KeepRules);
    for (const [n, step] of steps.entries()) {
      try {
        await run.take(step);
        await twin.see();
      } catch (error) {
        throw new Error(`step ${n + 1}, ${JSON.stringify(step)}: ${String(error)}`);
      }
    }
  } finally {
    await twin.close();
  }
}

type Takes = { [Op in Step["op"]]: (step: StepOf<Op>) => Promise<unknown> };

class Run {
  readonly #twin: Twin;
  readonly #keep: KeepRules;
  /** Every attempt that was ever handed out, and who holds it. */
  readonly #held: Held[] = [];
  readonly #ids: { taskId: string; id: string }[] = [];
  readonly #takes: Takes;

  constructor(twin: Twin, keep: KeepRules) {
    this.#twin = twin;
    this.#keep = keep;
    const manage = (step: StepOf<"pause">) => this.#manage(step);
    const job = (step: StepOf<"get">) => this.#ofJob(step);
    this.#takes = {
      push: (step) => this.#push(step),
      pushAgain: (step) => this.#pushAgain(step),
      claim: (step) => this.#claim(step),
      settle: (step) => this.#settle(step),
      renew: (step) => this.#renew(step),
      reap: (step) => this.#reap(step),
      wait: ({ ms }) => this.#setNow(twin.now + ms),
      pass: (step) => this.#pass(step),
      crash: (step) => this.#crash(step),
      back: ({ ms }) => this.#setNow(twin.now - ms),
      prune: ({ by }) => twin.ask(by, "prune", { taskIds: ["t", "u"], keep }),
      register: (step) => this.#register(step),
      fire: (step) => this.#fire(step),
      trigger: (step) => this.#trigger(step),
      recover: (step) => this.#recover(step),
      tend: ({ by, urgent }) => twin.ask(by, "tend", { urgent }),
      ...{ get: job, cancel: job, redrive: job },
      ...{ pause: manage, pauseFor: manage, orphan: manage, resume: manage, remove: manage },
    };
  }

  take(step: Step): Promise<unknown> {
    return (this.#takes[step.op] as (step: Step) => Promise<unknown>)(step);
  }

  /**
   * Somebody sees at once that the clock has moved, and what is due joins the line: which other
   * calls see to that is each store's own affair.
   */
  async #setNow(now: number): Promise<void> {
    await this.#twin.setNow(now);
    await this.#look(0, null);
    const claims = TASKS.map((taskId) => ({ taskId, limit: 0 }));
    const args = { settles: [], claims, idle: true, leaseMs: LEASE_MS, keep: this.#keep };
    await this.#twin.ask(0, "work", args);
  }

  async #push({ by, jobs }: StepOf<"push">): Promise<void> {
    const { now } = this.#twin;
    const given = jobs.map(({ task, id, due, isAt, rules }, n) => {
      const when = due === null ? null : isAt ? { at: now + due } : { in: Math.max(0, due) };
      const payload = JSON.stringify(`job ${n} at ${now}`);
      return { taskId: task, id, payload, due: when, rules, occurrence: null };
    });
    const answers = await this.#twin.ask(by, "push", { jobs: given, timeoutMs: 5_000 });
    for (const [n, { id }] of answers.entries()) {
      this.#ids.push({ taskId: given[n]?.taskId ?? "", id });
    }
  }

  async #pushAgain({ by, pick }: StepOf<"pushAgain">): Promise<void> {
    const known = [...this.#twin.model.state.tasks.values()].flatMap(({ name: taskId, ids }) =>
      [...ids]
        .filter(([id]) => !id.startsWith("0-"))
        .map(([id, { state }]) => ({ job: newJob({ taskId, id }), hasEnded: state !== null })),
    );
    const ended = known.filter(({ hasEnded }) => hasEnded);
    const among = ended.length > 0 && pick % 4 > 0 ? ended : known;
    const job = among[pick % Math.max(1, among.length)]?.job;
    if (job !== undefined) await this.#twin.ask(by, "push", { jobs: [job], timeoutMs: 5_000 });
  }

  async #claim({ by, tasks, limit, idle }: StepOf<"claim">): Promise<void> {
    const claims = tasks.map((taskId) => ({ taskId, limit }));
    // how one is chosen to empty itself is each store's own affair
    const isAnyAlone = [...this.#twin.model.state.tasks.values()].some(({ jobs }) =>
      [...jobs.values()].some(({ alone }) => alone),
    );
    const answer = await this.#twin.ask(by, "work", {
      ...{ settles: [], claims, idle: idle || isAnyAlone, leaseMs: LEASE_MS, keep: this.#keep },
    });
    const held = heldOf(answer.batches);
    this.#held.push(...held);
    for (const { taskId, id } of held) this.#ids.push({ taskId, id });
  }

  async #settle({ by, ends }: StepOf<"settle">): Promise<void> {
    const settles = ends.flatMap(({ pick, outcome, how }) => {
      const held = this.#pickHeld(pick, how === "stale");
      const other = this.#pickHeld(pick + 1, false);
      if (held === undefined) return [];
      const settle = settleOf(held, outcomeOf(outcome));
      return [
        how === "foreign" && other !== undefined ? { ...settle, fence: other.fence } : settle,
      ];
    });
    const once = settles.filter(
      (each, n) => settles.findIndex(({ number }) => number === each.number) === n,
    );
    if (once.length === 0) return;
    const args = { claims: [], idle: false, leaseMs: LEASE_MS, keep: this.#keep };
    await this.#twin.ask(by, "work", { settles: once, ...args });
  }

  /** Of those that run; `isAny`: of all that ever did. */
  #pickHeld(pick: number, isAny: boolean): Held | undefined {
    const { tasks } = this.#twin.model.state;
    const among = isAny
      ? this.#held
      : this.#held.filter(({ taskId, number, fence }) => {
          return tasks.get(taskId)?.jobs.get(Number(number))?.fence === Number(fence);
        });
    return among[pick % Math.max(1, among.length)];
  }

  async #renew({ by, pick, progress }: StepOf<"renew">): Promise<void> {
    const held = this.#pickHeld(pick, pick % 3 === 0);
    if (held === undefined) return;
    const { fence, taskId, number } = held;
    const value = JSON.stringify(`${pick} %`);
    await this.#twin.ask(by, "renew", {
      leases: [{ fence, taskId }],
      progress: progress ? [{ taskId, number, value }] : [],
    });
  }

  async #reap({ by, pick, isEager, random }: StepOf<"reap">): Promise<void> {
    const { expired } = await this.#look(by, null);
    const held = isEager ? this.#pickHeld(pick, pick % 2 === 0) : undefined;
    const leases = held === undefined ? expired : [{ fence: held.fence, taskId: held.taskId }];
    // one by one: how the waits of many are spread is each store's own affair
    for (const lease of leases) {
      const keep = this.#keep;
      await this.#twin.ask(by, "reap", { leases: [lease], random, keep });
    }
  }

  #look(by: number, registration: Registration | null) {
    const fireable = { taskIds: ["t", "u"], scheduleIds: ["l"] };
    return this.#twin.ask(by, "look", { taskIds: [], fireable, registration, sleepMs: 1_000 });
  }

  async #pass({ ms }: StepOf<"pass">): Promise<void> {
    const step = LEASE_MS / 4;
    for (let left = ms; left > 0; left -= step) {
      await this.#setNow(this.#twin.now + Math.min(step, left));
    }
  }

  async #crash({ by, task, limit, times }: StepOf<"crash">): Promise<void> {
    const jobs = ([5, 0] as const).map((priority) => {
      return { task, ...KILLER, rules: { ...KILLER.rules, priority } };
    });
    await this.#push({ op: "push", by, jobs });
    for (let n = 0; n < times; n += 1) {
      await this.#claim({ op: "claim", by, tasks: [task], limit, idle: true });
      await this.#pass({ op: "pass", ms: 130_000 });
      await this.#reap({ op: "reap", by, pick: 0, isEager: false, random: 0 });
      await this.#pass({ op: "pass", ms: 130_000 });
    }
    for (const who of [0, 1]) {
      await this.#claim({ op: "claim", by: who, tasks: [task], limit: 1, idle: true });
    }
  }

  async #ofJob({ op, by, task, pick }: StepOf<"get">): Promise<void> {
    const known = pick < IDS.length ? { taskId: task, id: IDS[pick] as string } : undefined;
    const ref = known ?? this.#ids[pick % Math.max(1, this.#ids.length)];
    if (ref === undefined) return;
    const args = { ...ref, keep: this.#keep };
    if (op === "get") await this.#twin.ask(by, "get", args);
    else if (op === "cancel") await this.#twin.ask(by, "cancel", args);
    else await this.#twin.ask(by, "redrive", args);
  }

  async #register(step: StepOf<"register">): Promise<void> {
    const { by, scheduleId, task, set, overlap, variant, inMs, jitterMs, decidedMs } = step;
    const { now } = this.#twin;
    const write = schedule({
      ...{ scheduleId, taskId: task, overlap, jitterMs, local: scheduleId === "l" },
      ...{ firstAt: now + inMs, decidedAt: decidedMs === null ? null : now - decidedMs },
      ...{ payload: JSON.stringify(variant), ...defined(`rule ${variant}`) },
    });
    const registration = set === null ? null : { set, leaseMs: LEASE_MS };
    await this.#twin.ask(by, "register", { registration, schedules: [write] });
  }

  async #fire({ by, style, wrong, set }: StepOf<"fire">): Promise<void> {
    const registration = set === null ? null : { set, leaseMs: LEASE_MS };
    const { schedules } = await this.#look(by, registration);
    for (const taskId of ["t", "u"]) {
      const fires = schedules
        .filter((each) => (each.taskId === taskId) !== (wrong === "task"))
        .map((each) => this.#fireOf(each, style, wrong));
      if (fires.length > 0) await this.#twin.ask(by, "fire", { taskId, fires, keep: this.#keep });
    }
  }

  #fireOf(due: DueSchedule, style: StepOf<"fire">["style"], wrong: string | null): Fire {
    const { scheduleId, revision, nextAt: seenAt } = due;
    const first = seenAt ?? 0;
    const instants = Array.from({ length: MOST_DECISIONS }, (_, n) => first + n * PERIOD_MS);
    const late = instants.filter((at) => at <= this.#twin.now);
    const decisions = (late.length > 0 ? late : [first]).map((at, n) => decide(style, at, n));
    const nextAt = style === "end" ? null : first + decisions.length * PERIOD_MS;
    return {
      ...{ scheduleId, nextAt, decisions },
      revision: revision + (wrong === "revision" ? 1 : 0),
      seenAt: first + (wrong === "cursor" ? 1 : 0),
    };
  }

  async #trigger({ by, scheduleId, instants, overlap }: StepOf<"trigger">): Promise<void> {
    const times = instants?.map((agoMs) => 1_767_225_600_000 - agoMs) ?? null;
    const args = { scheduleId, instants: times, overlap, keep: this.#keep };
    const answer = await this.#twin.ask(by, "trigger", args);
    for (const { outcome } of answer?.outcomes ?? []) {
      if (outcome.kind !== "fired") continue;
      this.#ids.push({ taskId: answer?.taskId ?? "", id: outcome.job.id });
    }
  }

  async #manage({ op, by, scheduleId, revision: off }: StepOf<"pause">): Promise<void> {
    const known = this.#twin.model.state.schedules.get(scheduleId);
    const revision = off === null ? null : (known?.revision ?? 1) + off;
    if (op === "remove") {
      await this.#twin.ask(by, "remove", { scheduleId, revision });
      return;
    }
    const until = op === "pauseFor" ? this.#twin.now + 20_000 : null;
    const reason = `because of ${op}`;
    const pause = op === "resume" ? null : { until, reason, orphaned: op === "orphan" };
    await this.#twin.ask(by, "pause", { scheduleId, pause, revision });
  }

  async #recover({ by, scheduleId, agoMs, isSame }: StepOf<"recover">): Promise<void> {
    const known = this.#twin.model.state.schedules.get(scheduleId);
    const decidedAt = this.#twin.now - agoMs;
    const digest = isSame ? (known?.digest ?? "0") : "0000000000000000";
    const told = { scheduleId, taskId: known?.taskId ?? "t", decidedAt, digest };
    const decided = [{ ...told, nextAt: decidedAt + PERIOD_MS }];
    await this.#twin.ask(by, "recover", { decided });
  }
}

function decide(style: StepOf<"fire">["style"], at: number, n: number): Decision {
  const isPassed = style === "pass" || (style === "mixed" && n % 2 === 0);
  if (isPassed) return { kind: "pass", reason: "misfire", from: at, to: at, count: 1 };
  const isCatchup = style === "catchup";
  return { kind: "fire", scheduledFor: at, isCatchup, missedCount: isCatchup ? n : 0 };
}
