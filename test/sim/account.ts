/** The account that a witness keeps of one server's jobs and leases. */
import type {
  CancelAnswer,
  ClaimedJob,
  FireAnswer,
  FireArgs,
  HandedBatch,
  JobRef,
  PushAnswer,
  PushArgs,
  Reaped,
  RedriveAnswer,
  RemoveAnswer,
  RemoveArgs,
  RenewArgs,
  Renewed,
  Settle,
  SettleAnswer,
  TriggerAnswer,
  TriggerArgs,
  WorkAnswer,
  WorkArgs,
} from "../../src/store/contract.js";
import type { AccountParts, Job, Lease, When } from "./account-parts.js";
import { InForce } from "./in-force.js";
import { Lines } from "./lines.js";
import { Occurrences } from "./occurrences.js";
import { OpenJobs, type Reading } from "./open-jobs.js";

const HANDED_MS = 2_000;

export class Account {
  parts: AccountParts;
  readonly occurrences: Occurrences;
  /** Which rules are in force. */
  readonly rules: InForce;
  readonly #open: OpenJobs;
  readonly #lines: Lines;
  readonly #jobs = new Map<string, Job>();
  readonly #numbers = new Map<string, string>();
  /** When pushed jobs are due, by id. */
  readonly #dues = new Map<string, number>();
  readonly #leases = new Map<string, Lease>();
  /** Removed once: what is made again may run beside jobs of the one before. */
  readonly #former = new Set<string>();
  #lastFence = "";

  constructor(parts: AccountParts) {
    this.parts = parts;
    const broken = (what: string, at: number): void => this.parts.broken("I7", what, at);
    this.occurrences = new Occurrences(broken);
    this.rules = new InForce(parts.code, broken);
    this.#open = new OpenJobs(parts.vague, (what, at) => this.parts.broken("I15", what, at));
    this.#lines = new Lines((what, at) => this.parts.broken("I9", what, at));
  }

  pushed({ jobs }: PushArgs, answers: readonly PushAnswer[], { at, storeNow }: When): void {
    jobs.forEach((job, n) => {
      const answer = answers[n];
      const key = `${job.taskId} ${answer?.id}`;
      if (answer === undefined) return;
      if (!answer.created) return;
      if (this.#dues.has(key)) this.parts.broken("I1", `${key} was stored twice`, at);
      const { due } = job;
      const dueAt = due === null ? 0 : "in" in due ? storeNow + due.in : due.at;
      this.#dues.set(key, dueAt);
      const isPlain = due === null && job.rules.priority === 0 && answer.state === "ready";
      if (isPlain) this.#lines.joins(job.taskId, answer.id);
      this.#open.made(job.taskId, answer.id);
    });
  }

  worked(args: WorkArgs, answer: WorkAnswer, when: When & { by: string }): void {
    args.settles.forEach((settle, n) => {
      this.#settled(settle, answer.settled[n] ?? "lost", when);
    });
    for (const batch of answer.batches) {
      const { leaseMs } = batch;
      this.#claimed(batch, { ...when, leaseMs, isConfirmed: true });
    }
  }

  handed(batch: HandedBatch, when: When & { by: string }): void {
    this.#claimed(batch, { ...when, leaseMs: HANDED_MS, isConfirmed: false });
  }

  renewed({ leases }: RenewArgs, { lost }: Renewed, { at }: When): void {
    const gone = new Set(lost.map(({ fence }) => fence));
    for (const { fence, confirmMs } of leases) {
      const lease = this.#leases.get(fence);
      const isHeld = this.#held(fence).length > 0;
      if (gone.has(fence)) {
        if (isHeld) this.parts.broken("I5", `lease ${fence} stands and was called lost`, at);
      } else if (lease === undefined) {
        this.parts.broken("I6", `lease ${fence} was renewed after it was taken back`, at);
      } else {
        Object.assign(lease, { renewedAt: at, jumpedMs: 0, isConfirmed: true });
        if (confirmMs !== undefined) lease.leaseMs = confirmMs;
      }
    }
  }

  reaped(jobs: readonly Reaped[], { at }: When): void {
    for (const { fence, number, state, dueAt, taskId, id } of jobs) {
      const job = this.#jobs.get(number);
      const lease = this.#leases.get(fence);
      if (job === undefined || lease === undefined || job.fence !== fence) {
        this.parts.broken("I5", `${taskId} ${id} was taken back from ${fence}, who had it not`, at);
        continue;
      }
      this.#tookBack(fence, lease, at);
      job.fence = null;
      job.notBefore = dueAt ?? 0;
      job.isEnded = state !== "ready" && state !== "scheduled";
      if (job.isEnded) this.#open.ended(taskId, job.id);
      if (lease.isConfirmed) job.crashes += 1;
      else job.claims -= 1;
    }
    for (const { fence } of jobs) if (this.#held(fence).length === 0) this.#leases.delete(fence);
  }

  fired({ taskId, fires }: FireArgs, answers: readonly FireAnswer[], when: When): void {
    fires.forEach((one, n) => {
      const answer = answers[n];
      if (answer === null || answer === undefined) return;
      this.occurrences.fired(one, answer.outcomes, when);
      this.rules.fired(one, answer.outcomes, when.at);
      for (const outcome of answer.outcomes) this.#open.firedOf(taskId, outcome);
    });
  }

  cancelled({ taskId, id }: JobRef, answer: CancelAnswer | null): void {
    if (answer?.state !== "cancelled") return;
    this.#lines.leaves(taskId, id);
    this.#open.ended(taskId, id);
    const number = this.#numbers.get(`${taskId} ${id}`);
    const job = number === undefined ? undefined : this.#jobs.get(number);
    if (job !== undefined) job.isEnded = true;
  }

  triggered(args: TriggerArgs, answer: TriggerAnswer | null, when: When): void {
    if (answer === null) return;
    const { scheduleId, instants } = args;
    for (const { outcome } of answer.outcomes) this.#open.firedOf(answer.taskId, outcome);
    if (instants === null) this.occurrences.triggered(scheduleId, answer.outcomes);
    else this.occurrences.filledIn(scheduleId, answer.outcomes, when.at);
  }

  /** Its jobs go on, and are those of nobody. */
  removed({ scheduleId }: RemoveArgs, answer: RemoveAnswer): void {
    if (answer !== "removed") return;
    this.#former.add(scheduleId);
    this.rules.removed(scheduleId);
    this.occurrences.removed(scheduleId);
    for (const job of this.#jobs.values()) if (job.serial === scheduleId) job.serial = null;
  }

  /** Somebody looked: what is told of jobs is what is true of them. */
  read(reading: Reading, at: number): void {
    this.#open.read(reading, { at, held: (taskId) => this.#heldOf(taskId) });
  }

  /** An ended job is issued again, as a new one. */
  redriven({ taskId, id }: JobRef, answer: RedriveAnswer | null): void {
    if (answer?.redriven !== true) return;
    this.#numbers.delete(`${taskId} ${id}`);
    this.#dues.set(`${taskId} ${id}`, 0);
    this.#open.made(taskId, id);
  }

  /** The clock, at `storeNow` so far, is moved. What was due by then is due, whatever it says. */
  jumped(ms: number, storeNow: number): void {
    for (const [key, dueAt] of this.#dues) if (dueAt <= storeNow) this.#dues.set(key, 0);
    for (const job of this.#jobs.values()) if (job.notBefore <= storeNow) job.notBefore = 0;
    for (const lease of this.#leases.values()) lease.jumpedMs += Math.max(0, ms);
  }

  /** Jobs that somebody holds. */
  open(): string[] {
    return [...this.#jobs.values()]
      .filter(({ fence }) => fence !== null)
      .map(({ taskId, id, fence }) => `${taskId} ${id} is held under ${fence}`);
  }

  #settled(settle: Settle, answer: SettleAnswer, { at, storeNow }: When): void {
    const { number, fence, outcome, taskId } = settle;
    const job = this.#jobs.get(number);
    const holds = job?.fence === fence;
    if (answer === "lost") {
      if (holds) this.parts.broken("I6", `the end of ${taskId} ${job.id} was refused`, at);
      return;
    }
    if (!holds || job === undefined) {
      this.parts.broken("I6", `${taskId} ${number} was settled without lease ${fence}`, at);
      return;
    }
    job.fence = null;
    job.isEnded = answer.state !== "ready" && answer.state !== "scheduled";
    if (job.isEnded) this.#open.ended(taskId, job.id);
    if (outcome.kind === "handBack") job.claims -= 1;
    if (outcome.kind === "retry") job.failures += 1;
    if (outcome.kind === "retry" && !job.isEnded) job.notBefore = storeNow + outcome.waitMs;
    if (this.#held(fence).length === 0) this.#leases.delete(fence);
  }

  #claimed(
    { fence, taskId, jobs }: HandedBatch,
    how: When & { by: string; leaseMs: number; isConfirmed: boolean },
  ): void {
    const { at, by, leaseMs, isConfirmed } = how;
    if (fence <= this.#lastFence) this.parts.broken("I6", `fence ${fence} does not rise`, at);
    this.#lastFence = fence;
    this.#leases.set(fence, { holder: by, leaseMs, isConfirmed, renewedAt: at, jumpedMs: 0 });
    for (const claimed of jobs) {
      const job = this.#jobOf(taskId, claimed, at);
      this.#checkClaim(job, claimed, how);
      job.fence = fence;
      job.claims += 1;
    }
  }

  #checkClaim(job: Job, { occurrence, counts }: ClaimedJob, { at, storeNow }: When): void {
    const { broken } = this.parts;
    const name = `${job.taskId} ${job.id}`;
    if (job.isEnded) broken("I2", `${name} was claimed after its end`, at);
    if (job.fence !== null) broken("I5", `${name} was claimed while ${job.fence} holds it`, at);
    if (job.retryOff && job.claims > 0) broken("I2", `${name} was claimed twice`, at);
    const isEarly = storeNow + this.parts.grainMs < job.notBefore;
    if (isEarly) broken("I8", `${name} was claimed before it is due`, at);
    if (counts.failures !== job.failures || counts.crashes !== job.crashes) {
      const told = `${counts.failures} failures and ${counts.crashes} crashes`;
      broken("I3", `${name} is said to have ${told}: ${job.failures} and ${job.crashes}`, at);
    }
    if (occurrence !== null) this.occurrences.claimed(job.number, occurrence, at);
    const { serial } = job;
    const beside = [...this.#jobs.values()].find(
      (other) =>
        serial !== null && other !== job && other.serial === serial && other.fence !== null,
    );
    if (beside !== undefined) broken("I7", `${name} runs beside ${beside.id}`, at);
    this.#lines.leaves(job.taskId, job.id, at);
  }

  #jobOf(taskId: string, { number, id, rules, occurrence }: ClaimedJob, at: number): Job {
    const key = `${taskId} ${id}`;
    const first = this.#numbers.get(key);
    if (first !== undefined && first !== number) {
      this.parts.broken("I1", `${key} is two jobs, ${first} and ${number}`, at);
    }
    this.#numbers.set(key, number);
    let job = this.#jobs.get(number);
    if (job === undefined) {
      job = {
        ...{ taskId, id, number, fence: null, isEnded: false, claims: 0 },
        ...{ failures: 0, crashes: 0 },
        retryOff: rules.retry === null,
        serial: this.#serialOf(occurrence),
        notBefore: this.#dues.get(key) ?? 0,
      };
      this.#jobs.set(number, job);
    }
    return job;
  }

  #serialOf(occurrence: ClaimedJob["occurrence"]): string | null {
    const scheduleId = occurrence?.scheduleId ?? "";
    return this.parts.serial.has(scheduleId) && !this.#former.has(scheduleId) ? scheduleId : null;
  }

  #heldOf(taskId: string): Map<string, string> {
    const held = [...this.#jobs.values()].filter((job) => job.taskId === taskId);
    return new Map(held.flatMap(({ id, fence }) => (fence === null ? [] : [[id, fence]])));
  }

  #held(fence: string): Job[] {
    return [...this.#jobs.values()].filter((job) => job.fence === fence);
  }

  #tookBack(fence: string, lease: Lease, at: number): void {
    const { holder, leaseMs, renewedAt, jumpedMs, isConfirmed } = lease;
    // Two thirds of the shortest lease are the largest jump that nobody can tell from time.
    const leastMs = jumpedMs > 0 ? leaseMs / 3 : leaseMs;
    if (at - renewedAt < leastMs - 2) {
      this.parts.broken("I5", `lease ${fence} was taken back after ${at - renewedAt} ms`, at);
    }
    if (isConfirmed) this.parts.taken({ fence, holder, leaseMs, renewedAt, at });
  }
}
