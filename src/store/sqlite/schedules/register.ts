/** register: definitions come in; which is in force, and what a change does to the cursor. */
import { inForce, noteOffer, type Offer } from "../../../core/schedule/in-force.js";
import type {
  RegisterAnswer,
  RegisterArgs,
  RegisterOutcome,
  Registration,
  ScheduleWrite,
} from "../../contract.js";
import type { Scope } from "../scope.js";
import { toStored } from "../text.js";
import { passBuffered } from "./buffer.js";
import { countRegistrations, noteRegistrationTime, Registrants } from "./registrants.js";
import {
  isPaused,
  isRegistered,
  noticeWake,
  offersOf,
  pauseOf,
  readSchedule,
  type ScheduleRow,
  saveState,
} from "./row.js";

export function register(
  scope: Scope,
  { registration, schedules }: RegisterArgs,
): RegisterAnswer[] {
  const registrants = new Registrants(scope);
  if (registration !== null) {
    // Whoever comes first after an outage must not take all others for gone.
    noteRegistrationTime(scope, registration.leaseMs);
    registrants.renew(registration);
  }
  return schedules.map((write) =>
    new Registering(scope, { write, registration, registrants }).do(),
  );
}

interface Given {
  write: ScheduleWrite;
  registration: Registration | null;
  registrants: Registrants;
}

/** One definition that comes in. */
class Registering {
  readonly #scope: Scope;
  readonly #write: ScheduleWrite;
  readonly #registrants: Registrants;
  readonly #isCode: boolean;
  readonly #isLive: (set: string) => boolean;
  readonly #row: ScheduleRow | null;
  /** With the given one among them; none of a run-time schedule. */
  #offers: Offer[] = [];
  #generation = 0;

  constructor(scope: Scope, { write, registration, registrants }: Given) {
    this.#scope = scope;
    this.#write = write;
    this.#registrants = registrants;
    this.#isCode = registration !== null;
    this.#isLive = (set) => registrants.isLive(set);
    this.#row = readSchedule(scope, write.scheduleId);
    if (registration === null) return;
    const { digest, generation } = write;
    const known = this.#row === null ? [] : offersOf(this.#row);
    const offer = { digest, set: registration.set, generation };
    const noted = noteOffer(known, offer, this.#isLive);
    this.#offers = noted.offers;
    this.#generation = noted.generation;
  }

  do(): RegisterAnswer {
    const row = this.#row;
    if (row === null) return this.#add();
    if (this.#isConflict(row)) return { ...this.#answer("conflict", row), generation: 0 };
    this.#noteOffer(row);
    const isSame =
      row.digest === this.#write.digest &&
      row.code === (this.#isCode ? 1 : 0) &&
      !this.#isMoved(row);
    return isSame ? this.#keep(row) : this.#change(row);
  }

  #add(): RegisterAnswer {
    const { scheduleId, firstAt, decidedAt, jitterMs } = this.#write;
    const { tx, space, now } = this.#scope;
    if (decidedAt === null && firstAt !== null && firstAt + jitterMs <= now) {
      return this.#answer("stale", { revision: 0, next_at: null });
    }
    const number = tx.nextNumber(now);
    tx.run(
      `INSERT INTO schedule (number, space, id, task, code, definition, digest, payload, rules,
         overlap, local, jitter_ms, generation)
       VALUES (?, ?, ?, 0, 0, '', '', '', '', '', 0, 0, 0)`,
      ...[number, space, toStored(scheduleId)],
    );
    const row = readSchedule(this.#scope, scheduleId) as ScheduleRow;
    this.#define(row);
    row.decided_at = decidedAt ?? 0;
    this.#save(row);
    return this.#answer("added", row);
  }

  /** The id belongs to somebody else, who has not given it up. */
  #isConflict(row: ScheduleRow): boolean {
    if (row.code === 0) return this.#isCode;
    const isOther = !this.#isCode || this.#isMoved(row);
    return isOther && isRegistered(row, this.#registrants);
  }

  #isMoved(row: ScheduleRow): boolean {
    return this.#scope.tx.taskById(row.task).name !== this.#write.taskId;
  }

  /** Written whatever else comes of it: a change of kind is no offer, and forgets them all. */
  #noteOffer(row: ScheduleRow): void {
    if (!this.#isCode) return;
    row.offers = JSON.stringify(this.#offers);
    row.registered_at = this.#scope.now;
    saveState(this.#scope, row);
  }

  #keep(row: ScheduleRow): RegisterAnswer {
    const { firstAt, decidedAt } = this.#write;
    const isAhead = decidedAt !== null && decidedAt > row.decided_at;
    if (isAhead) {
      row.decided_at = decidedAt;
      if (row.next_at !== null && row.next_at <= decidedAt) row.next_at = firstAt;
    }
    if (this.#endOrphanPause(row)) row.revision += 1;
    else if (!isAhead) return this.#answer("unchanged", row);
    this.#save(row);
    return this.#answer("unchanged", row);
  }

  #change(row: ScheduleRow): RegisterAnswer {
    const { digest, firstAt, decidedAt, jitterMs } = this.#write;
    const { now } = this.#scope;
    if (this.#isCode && inForce(this.#offers, row.digest, this.#isLive) !== digest) {
      return this.#answer("superseded", row);
    }
    // During a pause as well: what was skipped so far has to stand in the ledger.
    if (row.next_at !== null && row.next_at + row.jitter_ms <= now) return this.#answer("due", row);
    const earliest = Math.max(now, Math.max(row.decided_at, decidedAt ?? 0) + jitterMs);
    if (firstAt !== null && firstAt + jitterMs <= earliest) {
      return { ...this.#answer("stale", row), now: earliest };
    }
    row.decided_at = Math.max(row.decided_at, decidedAt ?? 0);
    if (this.#isMoved(row)) this.#leaveTask(row);
    this.#define(row);
    this.#endOrphanPause(row);
    row.revision += 1;
    this.#save(row);
    if (this.#isContested()) countRegistrations(this.#scope);
    return this.#answer("changed", row);
  }

  /** Its jobs belong to the other task from now on. */
  #leaveTask(row: ScheduleRow): void {
    passBuffered(this.#scope, row.number, "moved");
    this.#scope.tx.run("UPDATE job SET schedule = NULL WHERE schedule = ?", row.number);
  }

  /** The given definition is the one in force. */
  #define(row: ScheduleRow): void {
    const { tx, space, now } = this.#scope;
    const { taskId, definition, digest, payload, rules, overlap, local, jitterMs } = this.#write;
    const task = tx.task(space, taskId);
    Object.assign(row, { task: task.id, code: this.#isCode ? 1 : 0, digest, overlap });
    Object.assign(row, { local: local ? 1 : 0, jitter_ms: jitterMs, rules: JSON.stringify(rules) });
    row.definition = toStored(definition);
    row.payload = toStored(payload);
    row.generation = this.#generation;
    row.offers = JSON.stringify(this.#offers);
    row.registered_at = now;
    row.next_at = this.#write.firstAt;
    tx.run(
      `UPDATE schedule SET task = ?, code = ?, definition = ?, digest = ?, payload = ?, rules = ?,
         overlap = ?, local = ?, jitter_ms = ?, generation = ? WHERE number = ?`,
      ...[row.task, row.code, row.definition, row.digest, row.payload, row.rules],
      ...[row.overlap, row.local, row.jitter_ms, row.generation, row.number],
    );
  }

  /** Somebody registers it again: what was skipped meanwhile is to be decided now. */
  #endOrphanPause(row: ScheduleRow): boolean {
    const pause = pauseOf(row);
    const { now } = this.#scope;
    if (pause === null || !pause.orphaned || !isPaused(pause, now)) return false;
    row.pause = JSON.stringify({ ...pause, until: now });
    return true;
  }

  #save(row: ScheduleRow): void {
    saveState(this.#scope, row);
    noticeWake(this.#scope, row);
  }

  /** Live schedulers have registered another definition, too. */
  #isContested(): boolean {
    const { digest } = this.#write;
    return this.#offers.some((offer) => offer.digest !== digest && offer.sets.some(this.#isLive));
  }

  #answer(
    outcome: RegisterOutcome,
    { revision, next_at: nextAt }: Pick<ScheduleRow, "revision" | "next_at">,
  ): RegisterAnswer {
    const { scheduleId } = this.#write;
    const generation = this.#generation;
    const contested = outcome !== "conflict" && this.#isContested();
    return { scheduleId, outcome, generation, revision, nextAt, contested, now: this.#scope.now };
  }
}
