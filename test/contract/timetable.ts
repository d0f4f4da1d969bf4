/**
 * Short ways for what tests of schedules do all the time: writing one, letting it become due,
 * looking, firing. Everything goes through the verbs of the contract.
 */
import type { Decision, Firing, Passing } from "../../src/core/schedule/outcome.js";
import type {
  DueSchedule,
  Fire,
  FireAnswer,
  FireOutcome,
  Look,
  LookArgs,
  RegisterAnswer,
  Registration,
  ScheduleDetail,
  ScheduleWrite,
  Store,
  TriggerAnswer,
  TriggerArgs,
} from "../../src/store/contract.js";
import type { Scene } from "./scene.js";
import { HOUR_MS, KEEP, only, registered, SCHEDULE, schedule, TASK } from "./words.js";

export interface RegisterOptions {
  /** The set of definitions that it belongs to; null: made at run time. */
  set?: string | null;
  store?: Store;
}

/** A fire by what a test wants to say of it; the rest is what the store says now. */
export type FireChange = Partial<Fire> & { taskId?: string; store?: Store };

/** Somebody looks so often that the store knows there is no outage. */
const LIVE_STEP_MS = 15_000;

export class Timetable {
  readonly #scene: Scene;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  // --- writing -------------------------------------------------------------------------

  /** Registers schedules in one call. */
  async registerAll(
    schedules: readonly ScheduleWrite[],
    { set = null, store = this.#scene.store }: RegisterOptions = {},
  ): Promise<RegisterAnswer[]> {
    this.#scene.knows(...schedules.map(({ taskId }) => taskId));
    const registration = set === null ? null : registered(set);
    return await store.register({ registration, schedules });
  }

  /** Registers one schedule of code, in the set `a` unless another is named. */
  async code(
    change: Partial<ScheduleWrite> = {},
    options: RegisterOptions = {},
  ): Promise<RegisterAnswer> {
    return only(await this.registerAll([schedule(change)], { set: "a", ...options }));
  }

  /** Writes one schedule as at run time. */
  async upsert(change: Partial<ScheduleWrite> = {}, store?: Store): Promise<RegisterAnswer> {
    const options = store === undefined ? {} : { store };
    return only(await this.registerAll([schedule(change)], { set: null, ...options }));
  }

  /** Writes a schedule of run time whose first occurrence is due by now; answers its instant. */
  async due(change: Partial<ScheduleWrite> = {}): Promise<number> {
    const firstAt = (await this.#scene.world.now()) + 1_000;
    await this.upsert({ firstAt, ...change });
    await this.#scene.world.advance(2_000 + (change.jitterMs ?? 0));
    return firstAt;
  }

  /** The same for a schedule of code. */
  async dueCode(
    change: Partial<ScheduleWrite> = {},
    options: RegisterOptions = {},
  ): Promise<number> {
    const firstAt = (await this.#scene.world.now()) + 1_000;
    await this.code({ firstAt, ...change }, options);
    await this.#scene.world.advance(2_000 + (change.jitterMs ?? 0));
    return firstAt;
  }

  // --- looking -------------------------------------------------------------------------

  /** A look after schedules of these tasks and ids, by somebody who may have registered some. */
  async look(
    change: Partial<LookArgs["fireable"]> & {
      registration?: Registration | null;
      sleepMs?: number;
      store?: Store;
    } = {},
  ): Promise<Look> {
    const { taskIds = [TASK], scheduleIds = [], registration = null, sleepMs = 1_000 } = change;
    const store = change.store ?? this.#scene.store;
    return await store.look({
      taskIds: [],
      fireable: { taskIds, scheduleIds },
      registration,
      sleepMs,
    });
  }

  /** What a look says of the schedule; null: it is not due, or is not for the looker. */
  async dueNow(scheduleId: string = SCHEDULE): Promise<DueSchedule | null> {
    const { schedules } = await this.look({ scheduleIds: [scheduleId] });
    return schedules.find((due) => due.scheduleId === scheduleId) ?? null;
  }

  /** A look of somebody alive who has registered this set; answers the counter of lapses. */
  async live(set: string, store: Store = this.#scene.store): Promise<number> {
    const look = await this.look({ taskIds: [], registration: registered(set), store });
    return look.registrations;
  }

  /** Time passes while those who have registered these sets look. */
  async pass(ms: number, ...sets: readonly string[]): Promise<void> {
    for (let left = ms; left > 0; left -= LIVE_STEP_MS) {
      for (const set of sets) await this.live(set);
      await this.#scene.world.advance(Math.min(LIVE_STEP_MS, left));
    }
    for (const set of sets) await this.live(set);
  }

  async detail(scheduleId: string = SCHEDULE): Promise<ScheduleDetail> {
    const detail = await this.#scene.store.schedule({ scheduleId });
    if (detail === null) throw new Error(`no schedule ${JSON.stringify(scheduleId)}`);
    return detail;
  }

  /** The ledger in few words: how it fired or why not, with the instant as ms since `origin`. */
  async ledger(origin: number, scheduleId: string = SCHEDULE): Promise<unknown[][]> {
    const { ledger } = await this.detail(scheduleId);
    return ledger.map((entry) =>
      entry.kind === "fired"
        ? [entry.how, entry.scheduledFor - origin]
        : [entry.reason, entry.from - origin, entry.to - origin, entry.count],
    );
  }

  // --- firing --------------------------------------------------------------------------

  /** Fires a schedule as the store has it; by default what is due, with the next in an hour. */
  async fire(change: FireChange = {}): Promise<FireAnswer> {
    const { taskId = TASK, store = this.#scene.store, ...given } = change;
    return only(await store.fire({ taskId, fires: [await this.#fireOf(given)], keep: KEEP }));
  }

  /** Fires these instants, the cursor being wherever it is; what became of each. */
  async fireAt(...instants: readonly number[]): Promise<FireOutcome[]> {
    const answer = await this.fire({ decisions: instants.map((at) => firing(at)) });
    if (answer === null) throw new Error("the store refused to fire");
    return answer.outcomes;
  }

  async #fireOf(given: Partial<Fire>): Promise<Fire> {
    const scheduleId = given.scheduleId ?? SCHEDULE;
    const known = await this.#scene.store.schedule({ scheduleId });
    const seenAt = given.seenAt === undefined ? (known?.nextAt ?? null) : given.seenAt;
    const at = seenAt ?? (await this.#scene.world.now());
    return {
      scheduleId,
      revision: known?.revision ?? 1,
      seenAt,
      nextAt: at + HOUR_MS,
      decisions: [firing(at)],
      ...given,
    };
  }

  async trigger(change: Partial<TriggerArgs> = {}): Promise<TriggerAnswer> {
    const args = { scheduleId: SCHEDULE, instants: null, overlap: null, keep: KEEP, ...change };
    const answer = await this.#scene.store.trigger(args);
    if (answer === null) throw new Error(`no schedule ${JSON.stringify(args.scheduleId)}`);
    return answer;
  }

  async pause(
    change: { scheduleId?: string; until?: number | null; reason?: string } = {},
  ): Promise<{ revision: number } | null> {
    const { scheduleId = SCHEDULE, until = null, reason = "why not" } = change;
    const pause = { until, reason, orphaned: false };
    return await this.#scene.store.pause({ scheduleId, pause, revision: null });
  }

  async resume(scheduleId: string = SCHEDULE): Promise<{ revision: number } | null> {
    return await this.#scene.store.pause({ scheduleId, pause: null, revision: null });
  }
}

export function firing(scheduledFor: number, change: Partial<Firing> = {}): Firing {
  return { kind: "fire", scheduledFor, isCatchup: false, missedCount: 0, ...change };
}

export function passing(from: number, change: Partial<Passing> = {}): Passing {
  return { kind: "pass", reason: "misfire", from, to: from, count: 1, ...change };
}

/** Occurrences as many as wanted, a second apart. */
export function row(
  from: number,
  count: number,
  decide: (at: number) => Decision = firing,
): Decision[] {
  return Array.from({ length: count }, (_, n) => decide(from + n * 1_000));
}
