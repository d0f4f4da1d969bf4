/** The account that a witness keeps of one server's jobs, leases and occurrences. */
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
  RenewArgs,
  Renewed,
  Settle,
  SettleAnswer,
  TriggerAnswer,
  TriggerArgs,
  WorkAnswer,
  WorkArgs,
} from "../../src/store/contract.js";
import { Occurrences } from "./occurrences.js";
import type { Taken } from "./witness.js";

export interface AccountParts {
  broken: (invariant: string, what: string, at: number) => void;
  taken: (taken: Taken) => void;
  /** Schedules whose jobs never run beside each other. */
  serial: ReadonlySet<string>;
  /** The grain of the server's clock, ms. */
  grainMs: number;
}

export interface When {
  at: number;
  storeNow: number;
}

interface Job {
  taskId: string;
  id: string;
  number: string;
  retryOff: boolean;
  /** The schedule whose jobs must not run beside each other; null: they may. */
  serial: string | null;
  /** null: nobody holds it. */
  fence: string | null;
  isEnded: boolean;
  /** Not to be claimed before, by the server's clock. */
  notBefore: number;
  /** How often it was claimed, not counting those that came back unbegun. */
  claims: number;
}

interface Lease {
  holder: string;
  leaseMs: number;
  renewedAt: number;
  /** How far the clock was moved since. */
  jumpedMs: number;
  /** False: handed over, and not heard of. */
  isConfirmed: boolean;
}

const HANDED_MS = 2_000;

export class Account {
  parts: AccountParts;
  readonly occurrences: Occurrences;
  readonly #jobs = new Map<string, Job>();
  readonly #numbers = new Map<string, string>();
  /** When pushed jobs are due, by id; and those of each task that wait in line, never claimed. */
  readonly #dues = new Map<string, number>();
  readonly #lines = new Map<string, string[]>();
  readonly #leases = new Map<string, Lease>();
  #lastFence = "";

  constructor(parts: AccountParts) {
    this.parts = parts;
    this.occurrences = new Occurrences((what, at) => this.parts.broken("I7", what, at));
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
      if (isPlain) this.#lineOf(job.taskId).push(answer.id);
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
      if (!lease.isConfirmed) job.claims -= 1;
    }
    for (const { fence } of jobs) if (this.#held(fence).length === 0) this.#leases.delete(fence);
  }

  fired({ fires }: FireArgs, answers: readonly FireAnswer[], when: When): void {
    fires.forEach((one, n) => {
      const answer = answers[n];
      if (answer === null || answer === undefined) return;
      this.occurrences.fired(one, answer.outcomes, when);
    });
  }

  cancelled({ taskId, id }: JobRef, answer: CancelAnswer | null): void {
    if (answer?.state !== "cancelled") return;
    this.#leavesLine(taskId, id);
    const number = this.#numbers.get(`${taskId} ${id}`);
    const job = number === undefined ? undefined : this.#jobs.get(number);
    if (job !== undefined) job.isEnded = true;
  }

  triggered({ scheduleId }: TriggerArgs, answer: TriggerAnswer | null): void {
    this.occurrences.triggered(scheduleId, answer?.outcomes ?? []);
  }

  /** An ended job is issued again, as a new one. */
  redriven({ taskId, id }: JobRef, answer: RedriveAnswer | null): void {
    if (answer?.redriven !== true) return;
    this.#numbers.delete(`${taskId} ${id}`);
    this.#dues.set(`${taskId} ${id}`, 0);
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
    if (outcome.kind === "handBack") job.claims -= 1;
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

  #checkClaim(job: Job, { occurrence }: ClaimedJob, { at, storeNow }: When): void {
    const { broken } = this.parts;
    const name = `${job.taskId} ${job.id}`;
    if (job.isEnded) broken("I2", `${name} was claimed after its end`, at);
    if (job.fence !== null) broken("I5", `${name} was claimed while ${job.fence} holds it`, at);
    if (job.retryOff && job.claims > 0) broken("I2", `${name} was claimed twice`, at);
    const isEarly = storeNow + this.parts.grainMs < job.notBefore;
    if (isEarly) broken("I8", `${name} was claimed before it is due`, at);
    if (occurrence !== null) this.occurrences.claimed(job.number, occurrence, at);
    const { serial } = job;
    const beside = [...this.#jobs.values()].find(
      (other) =>
        serial !== null && other !== job && other.serial === serial && other.fence !== null,
    );
    if (beside !== undefined) broken("I7", `${name} runs beside ${beside.id}`, at);
    this.#leavesLine(job.taskId, job.id, at);
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
        retryOff: rules.retry === null,
        serial: this.#serialOf(occurrence),
        notBefore: this.#dues.get(key) ?? 0,
      };
      this.#jobs.set(number, job);
    }
    return job;
  }

  #serialOf(occurrence: ClaimedJob["occurrence"]): string | null {
    if (occurrence === null || !this.parts.serial.has(occurrence.scheduleId)) return null;
    return occurrence.scheduleId;
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

  #lineOf(taskId: string): string[] {
    let line = this.#lines.get(taskId);
    if (line === undefined) {
      line = [];
      this.#lines.set(taskId, line);
    }
    return line;
  }

  /** `at`: claimed then, which only the first in line may be. */
  #leavesLine(taskId: string, id: string, at: number | null = null): void {
    const line = this.#lineOf(taskId);
    const place = line.indexOf(id);
    if (place === -1) return;
    if (place > 0 && at !== null) {
      this.parts.broken("I9", `${taskId} ${id} was claimed before ${line[0]}`, at);
    }
    line.splice(place, 1);
  }
}
