/**
 * The schedules that this scheduler has registered:
 *  1. writes their definitions to the store, again whenever another one may be in force there
 *  2. knows which schedules this scheduler can fire, and by which function
 *  3. tells of conflicts, each once
 */
import { SchedulerError } from "../core/errors.js";
import type { Emitter } from "../core/events.js";
import type { CheckedRegister } from "../core/options.js";
import {
  digestOf,
  encodeRule,
  jitterOf,
  nextOccurrence,
  type ScheduleRule,
} from "../core/schedule.js";
import type {
  Decided,
  DueSchedule,
  Fireable,
  Look,
  RegisterAnswer,
  Registration,
  ScheduleWrite,
  Store,
} from "../store/contract.js";
import { ConflictNews } from "./conflict-news.js";
import { Sights } from "./sight.js";

/** One call registers so many: that is a script of 2 to 3 ms. */
const MOST_PER_CALL = 50;

/** While the store holds everything back. */
const AGAIN_MS = 250;

/** The store's clock may be ahead of what was taken for now; then the answer says by how much. */
const MOST_TRIES = 5;

/** So long after its last look a scheduler's definitions still count as registered. */
export const REGISTRATION_LEASE_MS = 60_000;

export interface RegistrationsParts {
  registered: Iterable<CheckedRegister>;
  /** Tasks whose schedules can be fired because they are bound. */
  boundTaskIds: Iterable<string>;
  emitter: Emitter;
  /** How many the store has; one unless given. */
  shards?: () => number;
  /** Decides what is due of a schedule, so that its definition can be changed. */
  settleDue: (scheduleId: string) => Promise<void>;
}

export class Registrations {
  readonly sights: Sights;
  readonly registration: Registration | null;
  readonly fireable: Fireable;
  readonly #parts: RegistrationsParts;
  readonly #registered = new Map<string, CheckedRegister>();
  readonly #digests = new Map<string, string>();
  readonly #generations = new Map<string, number>();
  readonly #conflicts: ConflictNews;
  /** Schedules whose definition is not written, or may not be the one in force. */
  #pending = new Set<string>();
  /** The store may have forgotten what was decided: all of it, or the last moments. */
  #forgotten: "all" | "some" | null = null;
  /** What is decided, as far as the store has not taken note of it. */
  #untold: readonly Decided[] = [];
  #ensuring: Promise<void> | null = null;

  constructor(parts: RegistrationsParts) {
    this.#parts = parts;
    this.sights = new Sights(REGISTRATION_LEASE_MS, parts.shards ?? (() => 1));
    this.#conflicts = new ConflictNews(parts.emitter);
    for (const schedule of parts.registered) {
      this.#registered.set(schedule.scheduleId, schedule);
      this.#digests.set(schedule.scheduleId, digestOfDefinition(schedule));
    }
    const texts = [...this.#digests].map(([id, digest]) => `${id}:${digest}`).sort();
    this.registration =
      texts.length === 0 ? null : { set: digestOf(...texts), leaseMs: REGISTRATION_LEASE_MS };
    this.fireable = fireableOf([...this.#registered.values()], parts.boundTaskIds);
    this.#all();
  }

  /** So soon `ensure` has to be called again. */
  get restMs(): number {
    return this.#untold.length > 0 ? AGAIN_MS : Infinity;
  }

  /** The store has lost its data (`all`), or may have gone back in time. */
  forgotten(what: "all" | "some"): void {
    this.#forgotten = this.#forgotten === "all" ? "all" : what;
    this.#all();
  }

  /** The function that belongs to a schedule's rule; undefined: this scheduler has none for it. */
  excludesOf(due: DueSchedule, rule: ScheduleRule): ((at: number) => boolean) | null | undefined {
    if (rule.excludeCode === undefined) return null;
    const own = this.#registered.get(due.scheduleId);
    if (own === undefined || own.definition.excludeCode !== rule.excludeCode) return undefined;
    return own.excludes ?? undefined;
  }

  /** Makes sure that the definitions are in the store, and what is known to be decided. */
  ensure(store: Store, now: number): Promise<void> {
    this.#ensuring ??= this.#ensure(store, now).finally(() => {
      this.#ensuring = null;
    });
    return this.#ensuring;
  }

  async #ensure(store: Store, now: number): Promise<void> {
    if (this.#pending.size > 0) {
      await this.#write(store, this.sights.now ?? now).catch(async (error: unknown) => {
        if (store.shards > 1) await this.#tellPart(store);
        throw error;
      });
    }
    this.#remember();
    if (this.#untold.length > 0) await this.#tell(store);
  }

  /** Definitions wait for all shards; those that are there wait to be told what is decided. */
  async #tellPart(store: Store): Promise<void> {
    if (this.#forgotten !== null) this.#untold = this.sights.decided();
    if (this.#untold.length > 0) await this.#tell(store).catch(() => {});
  }

  #remember(): void {
    if (this.#forgotten === null) return;
    this.#forgotten = null;
    this.#untold = this.sights.decided();
  }

  /** Those of which the store knew nothing are told again: somebody may have registered them. */
  async #tell(store: Store): Promise<void> {
    const unknown = new Set<string>();
    const decided = this.#untold;
    for (let from = 0; from < decided.length; from += MOST_PER_CALL) {
      const piece = decided.slice(from, from + MOST_PER_CALL);
      for (const id of await store.recover({ decided: piece })) unknown.add(id);
    }
    if (this.#untold !== decided) return;
    this.#untold = decided.filter(({ scheduleId }) => unknown.has(scheduleId));
  }

  /** True: the definitions have to be written again. `sleepMs`: the longest until the next look. */
  noteLook(look: Look, { sleepMs, shard }: { sleepMs: number; shard: number }): boolean {
    const isSame = this.sights.of(shard).noteLook(look, sleepMs);
    // Nothing is held back there any more.
    if (look.complete && this.#untold.length > 0) {
      const isElsewhere = ({ taskId }: Decided) => this.sights.shardOf(taskId) !== shard;
      this.#untold = this.#untold.filter(isElsewhere);
    }
    if (!isSame) this.#all();
    return !isSame && this.#pending.size > 0;
  }

  #all(): void {
    this.#pending = new Set(this.#registered.keys());
  }

  /** Rejects when some of them may be in a part of the store that is away: the others are done. */
  async #write(store: Store, now: number): Promise<void> {
    let time = now;
    const refused = new Map<string, number>();
    const away = new Set<string>();
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const ids = [...this.#pending].filter((id) => !away.has(id));
      if (ids.length === 0) break;
      const due: string[] = [];
      for (let from = 0; from < ids.length; from += MOST_PER_CALL) {
        const schedules = ids
          .slice(from, from + MOST_PER_CALL)
          .map((id) =>
            this.#writeOf(this.#registered.get(id)!, { now: time, refused: refused.get(id) ?? 0 }),
          );
        const answers = await store.register({ registration: this.registration, schedules });
        for (const answer of answers) {
          this.#note(answer);
          if (answer.outcome === "due") due.push(answer.scheduleId);
          if (answer.outcome === "away") away.add(answer.scheduleId);
          if (answer.outcome !== "stale") continue;
          time = Math.max(time, answer.now);
          refused.set(answer.scheduleId, (refused.get(answer.scheduleId) ?? 0) + 1);
        }
      }
      for (const scheduleId of due) await this.#parts.settleDue(scheduleId);
    }
    if (away.size > 0) throw waiting([...away]);
  }

  #note(answer: RegisterAnswer): void {
    const { scheduleId, outcome, generation } = answer;
    if (generation > 0) this.#generations.set(scheduleId, generation);
    if (outcome === "stale" || outcome === "due" || outcome === "away") return;
    this.#pending.delete(scheduleId);
    const taskId = this.#registered.get(scheduleId)?.taskId ?? "";
    this.#conflicts.note({ taskId, answer });
  }

  /** `refused`: so often the store said that its first occurrence is over. */
  #writeOf(
    schedule: CheckedRegister,
    { now, refused }: { now: number; refused: number },
  ): ScheduleWrite {
    const { scheduleId, definition } = schedule;
    const write = writeOf(schedule);
    const knownAt = this.#forgotten === null ? null : this.sights.decidedAt(write);
    // A store that went back in time may have the schedule still: then its cursor is right. To one
    // that it has never heard of, which it refuses, it is told.
    const isTold = this.#forgotten === "all" || refused === 1;
    const from = isTold || refused === 0 ? knownAt : null;
    return {
      ...write,
      digest: this.#digests.get(scheduleId) ?? "",
      local: schedule.excludes !== null,
      // The first that is due after now, which may be that of an instant before.
      firstAt: nextOccurrence(definition, from ?? now - write.jitterMs),
      decidedAt: isTold ? knownAt : null,
      generation: this.#generations.get(scheduleId) ?? null,
    };
  }
}

function waiting(scheduleIds: readonly string[]): SchedulerError {
  const [first, ...more] = scheduleIds;
  const others = more.length === 0 ? "" : ` and ${more.length} more`;
  const message =
    `the definition of schedule "${first}"${others} waits for shards that are away, or for ` +
    "somebody who was moving it";
  const fix =
    "see health().reasons; it is registered by itself, in half a minute or once they are back";
  return new SchedulerError("STORE_UNREACHABLE", message, { fix, value: first });
}

/** What a store is told of a definition, whoever tells it. */
export function writeOf(
  schedule: Pick<CheckedRegister, "scheduleId" | "taskId" | "definition">,
): Omit<ScheduleWrite, "firstAt"> {
  const { scheduleId, taskId, definition } = schedule;
  const { payload, rules, overlap } = definition;
  return {
    scheduleId,
    taskId,
    definition: encodeRule(definition),
    digest: digestOfDefinition(schedule),
    payload,
    rules,
    overlap,
    local: false,
    jitterMs: jitterOf(scheduleId, definition),
    decidedAt: null,
    generation: null,
  };
}

export function digestOfDefinition({ definition }: Pick<CheckedRegister, "definition">): string {
  return digestOf(encodeRule(definition), definition.payload);
}

function fireableOf(
  registered: readonly CheckedRegister[],
  boundTaskIds: Iterable<string>,
): Fireable {
  const taskIds = new Set(boundTaskIds);
  const scheduleIds: string[] = [];
  for (const { scheduleId, taskId, excludes } of registered) {
    // Of its task, since another definition of it, without a function, may be in force.
    taskIds.add(taskId);
    if (excludes !== null) scheduleIds.push(scheduleId);
  }
  return { taskIds: [...taskIds], scheduleIds };
}
