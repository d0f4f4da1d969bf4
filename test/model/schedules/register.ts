/** register: definitions come in; which is in force, and what a change does to the cursor. */
import { inForce, noteOffer } from "../../../src/core/schedule/in-force.js";
import type {
  RegisterAnswer,
  RegisterArgs,
  RegisterOutcome,
  Registration,
  ScheduleWrite,
} from "../../../src/store/contract.js";
import { nextNumber, type Scope } from "../scope.js";
import type { Schedule } from "../state.js";
import { leaveJobs, passBuffered } from "./arrivals.js";
import { isLive, noteTimeOfSets, renewSet } from "./registrants.js";
import { isPaused, isRegistered, noticeWake } from "./row.js";

export function register(
  scope: Scope,
  { registration, schedules }: RegisterArgs,
): RegisterAnswer[] {
  if (registration !== null) {
    // whoever comes first after an outage must not take all others for gone
    noteTimeOfSets(scope, registration.leaseMs);
    renewSet(scope, registration);
  }
  return schedules.map((write) => registerOne(scope, write, registration));
}

function registerOne(
  scope: Scope,
  write: ScheduleWrite,
  registration: Registration | null,
): RegisterAnswer {
  const old = scope.state.schedules.get(write.scheduleId) ?? null;
  const { digest, generation: told } = write;
  const given =
    registration === null
      ? { offers: [], generation: 0 }
      : noteOffer(old?.offers ?? [], { digest, set: registration.set, generation: told }, (set) =>
          isLive(scope, set),
        );
  const one = new Registering(scope, write, { isCode: registration !== null, ...given });
  return old === null ? one.add() : one.meet(old);
}

type Given = Pick<Schedule, "offers" | "generation"> & { isCode: boolean };

/** One definition that comes in. */
class Registering {
  readonly #scope: Scope;
  readonly #write: ScheduleWrite;
  readonly #given: Given;

  constructor(scope: Scope, write: ScheduleWrite, given: Given) {
    this.#scope = scope;
    this.#write = write;
    this.#given = given;
  }

  add(): RegisterAnswer {
    const { scheduleId: id, firstAt, decidedAt, jitterMs } = this.#write;
    const { state, now } = this.#scope;
    if (decidedAt === null && firstAt !== null && firstAt + jitterMs <= now) {
      return this.#answer("stale", { revision: 0, nextAt: null });
    }
    const schedule = {
      ...{ number: nextNumber(this.#scope), id, revision: 1, decidedAt: decidedAt ?? 0 },
      ...{ firedCount: 0, pause: null, open: [], buffered: [], ledger: [], everFired: [] },
      ...this.#definition(),
    };
    state.schedules.set(id, schedule);
    noticeWake(this.#scope, schedule);
    return this.#answer("added", schedule);
  }

  meet(schedule: Schedule): RegisterAnswer {
    const { isCode, offers } = this.#given;
    if (this.#isConflict(schedule)) return { ...this.#answer("conflict", schedule), generation: 0 };
    // written whatever else comes of it
    if (isCode) Object.assign(schedule, { offers, registeredAt: this.#scope.now });
    const isSame =
      schedule.digest === this.#write.digest &&
      schedule.code === isCode &&
      schedule.taskId === this.#write.taskId;
    return isSame ? this.#keep(schedule) : this.#change(schedule);
  }

  /** The id belongs to somebody else, who has not given it up. */
  #isConflict(schedule: Schedule): boolean {
    const { isCode } = this.#given;
    if (!schedule.code) return isCode;
    const isOther = !isCode || schedule.taskId !== this.#write.taskId;
    return isOther && isRegistered(this.#scope, schedule);
  }

  #keep(schedule: Schedule): RegisterAnswer {
    const { firstAt, decidedAt } = this.#write;
    const isAhead = decidedAt !== null && decidedAt > schedule.decidedAt;
    if (isAhead) {
      schedule.decidedAt = decidedAt;
      if (schedule.nextAt !== null && schedule.nextAt <= decidedAt) schedule.nextAt = firstAt;
    }
    const isBack = this.#endOrphanPause(schedule);
    if (isBack) schedule.revision += 1;
    if (isAhead || isBack) noticeWake(this.#scope, schedule);
    return this.#answer("unchanged", schedule);
  }

  #change(schedule: Schedule): RegisterAnswer {
    const { digest, firstAt, decidedAt, jitterMs } = this.#write;
    const { isCode, offers } = this.#given;
    const { now } = this.#scope;
    const live = (set: string) => isLive(this.#scope, set);
    if (isCode && inForce(offers, schedule.digest, live) !== digest) {
      return this.#answer("superseded", schedule);
    }
    // during a pause as well: what was skipped so far has to stand in the ledger
    if (schedule.nextAt !== null && schedule.nextAt + schedule.jitterMs <= now) {
      return this.#answer("due", schedule);
    }
    const decided = Math.max(schedule.decidedAt, decidedAt ?? 0);
    const earliest = Math.max(now, decided + jitterMs);
    if (firstAt !== null && firstAt + jitterMs <= earliest) {
      return { ...this.#answer("stale", schedule), now: earliest };
    }
    schedule.decidedAt = decided;
    if (schedule.taskId !== this.#write.taskId) {
      passBuffered(this.#scope, schedule, "moved");
      leaveJobs(this.#scope, schedule);
    }
    Object.assign(schedule, this.#definition());
    this.#endOrphanPause(schedule);
    schedule.revision += 1;
    noticeWake(this.#scope, schedule);
    if (this.#isContested()) this.#scope.state.registrations += 1;
    return this.#answer("changed", schedule);
  }

  /** What is in force from now on. */
  #definition() {
    const { taskId, definition, digest, payload, rules, overlap, local, jitterMs } = this.#write;
    const { isCode: code, offers, generation } = this.#given;
    return {
      ...{ taskId, definition, digest, payload, rules, overlap, local, jitterMs, code, offers },
      ...{ generation, registeredAt: this.#scope.now, nextAt: this.#write.firstAt },
    };
  }

  /** Somebody registers it again: what was skipped meanwhile is to be decided now. */
  #endOrphanPause(schedule: Schedule): boolean {
    const { pause } = schedule;
    const { now } = this.#scope;
    if (pause === null || !pause.orphaned || !isPaused(pause, now)) return false;
    schedule.pause = { ...pause, until: now };
    return true;
  }

  /** Live schedulers have registered another definition, too. */
  #isContested(): boolean {
    const { digest } = this.#write;
    return this.#given.offers.some(
      (offer) => offer.digest !== digest && offer.sets.some((set) => isLive(this.#scope, set)),
    );
  }

  #answer(
    outcome: RegisterOutcome,
    { revision, nextAt }: Pick<Schedule, "revision" | "nextAt">,
  ): RegisterAnswer {
    const { scheduleId } = this.#write;
    const { generation } = this.#given;
    const contested = outcome !== "conflict" && this.#isContested();
    return { scheduleId, outcome, generation, revision, nextAt, contested, now: this.#scope.now };
  }
}
