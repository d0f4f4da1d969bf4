/**
 * The schedules that this scheduler has registered: writes them to the store, and knows up to
 * which instant their occurrences are decided, so that none fires again after the store has
 * lost its data.
 */
import { SchedulerError } from "../core/errors.js";
import type { Emitter } from "../core/events.js";
import type { CheckedRegister } from "../core/options.js";
import { encodeDefinition, nextOccurrence } from "../core/schedule.js";
import type { DueSchedule, Look, RegisterArgs, Store } from "../store/contract.js";

/** One call registers so many. */
const MOST_PER_CALL = 100;

/** A look lists so many due schedules; with as many, others may be due as well. */
const MOST_DUE_PER_LOOK = 100;

export class Registrations {
  readonly #registered = new Map<string, CheckedRegister>();
  readonly #emitter: Emitter;
  #fireable: string[];
  /** Everything up to here is decided, except for what `#cursors` says; null: nothing known. */
  #decidedAt: number | null = null;
  /** Schedules that were due at the last look and not fired since: their cursors. */
  readonly #cursors = new Map<string, number>();
  /** False: the definitions have to be written before anything can fire. */
  #written = false;

  constructor(registered: Iterable<CheckedRegister>, emitter: Emitter) {
    for (const schedule of registered) this.#registered.set(schedule.scheduleId, schedule);
    this.#emitter = emitter;
    this.#fireable = [...this.#registered.keys()];
  }

  /** The schedules that this scheduler can fire. */
  fireable(): readonly string[] {
    return this.#fireable;
  }

  /** Never asks for this schedule again; what is wrong with it was told. */
  exclude(scheduleId: string): void {
    this.#fireable = this.#fireable.filter((id) => id !== scheduleId);
  }

  /** The store has lost its data: writes all definitions again at the next `ensure`. */
  forgotten(): void {
    this.#written = false;
  }

  /** Makes sure that the definitions are in the store; `now` is the store's. */
  async ensure(store: Store, now: number): Promise<void> {
    if (this.#written) return;
    const all = [...this.#registered.values()];
    for (let from = 0; from < all.length; from += MOST_PER_CALL) {
      const some = all.slice(from, from + MOST_PER_CALL);
      const answers = await store.register({
        schedules: some.map((schedule) => this.#entry(schedule, now)),
      });
      for (const { scheduleId, outcome } of answers) {
        if (outcome === "conflict") this.#conflict(scheduleId);
      }
    }
    this.#written = true;
  }

  /** What a look says about what is decided: all that was due by then is listed, or was fired. */
  noteLook(look: Look): void {
    for (const due of look.schedules) this.#cursors.set(due.scheduleId, due.nextAt);
    if (look.schedules.length >= MOST_DUE_PER_LOOK) return;
    this.#decidedAt = Math.max(this.#decidedAt ?? look.now, look.now);
  }

  /** The occurrence that a look listed is decided, by this scheduler or another. */
  noteDecided(due: DueSchedule, nextAt: number | null, now: number): void {
    if (nextAt !== null && nextAt <= now) this.#cursors.set(due.scheduleId, nextAt);
    else this.#cursors.delete(due.scheduleId);
  }

  #entry(schedule: CheckedRegister, now: number): RegisterArgs["schedules"][number] {
    const { scheduleId, taskId, definition } = schedule;
    const cursorAt = this.#cursors.get(scheduleId);
    const decidedAt = cursorAt === undefined ? (this.#decidedAt ?? now) : cursorAt - 1;
    const firstAt = nextOccurrence(definition, decidedAt);
    return { scheduleId, taskId, definition: encodeDefinition(definition), firstAt };
  }

  #conflict(scheduleId: string): void {
    this.exclude(scheduleId);
    const taskId = this.#registered.get(scheduleId)?.taskId ?? "";
    const message = `schedule "${scheduleId}" belongs to another task than "${taskId}"`;
    this.#emitter.emit("schedule:conflict", { scheduleId, taskId, message });
    this.#emitter.emit(
      "error",
      new SchedulerError("ALREADY_REGISTERED", `register("${taskId}"): ${message}`, {
        fix: "give it a scheduleId of its own",
        value: scheduleId,
      }),
    );
  }
}
