/** Takes the occurrences of one schedule through its overlap policy. */
import type { KeepRules } from "../../../core/keep.js";
import { isTracked, type Overlap, overlapStep } from "../../../core/schedule/overlap.js";
import type { FireOutcome } from "../../contract.js";
import { cancelJob } from "../jobs.js";
import { FACTS, type JobFacts, type Scope } from "../scope.js";
import { type Arrival, addBuffered, countBuffered, passBuffered } from "./buffer.js";
import { addPassed } from "./ledger.js";
import { hasOpen, makeJob, releaseNext } from "./release.js";
import type { ScheduleRow } from "./row.js";

export class Arrivals {
  readonly #scope: Scope;
  readonly #row: ScheduleRow;
  readonly #overlap: Overlap;
  readonly #keep: KeepRules;
  readonly #isTracked: boolean;
  /** Asked once: nobody else comes between the occurrences of one step. */
  #hasOpen = false;
  #buffered = 0;

  /** `overlap` null: the schedule's own. */
  constructor(
    scope: Scope,
    row: ScheduleRow,
    { overlap, keep }: { overlap: Overlap | null; keep: KeepRules },
  ) {
    this.#scope = scope;
    this.#row = row;
    this.#overlap = overlap ?? row.overlap;
    this.#keep = keep;
    this.#isTracked = isTracked(this.#overlap) || isTracked(row.overlap);
    if (this.#overlap === "allow") return;
    // a job whose record was lost had no end that would have let the next one follow
    releaseNext(scope, row.number);
    this.#hasOpen = hasOpen(scope, row.number);
    this.#buffered = countBuffered(scope, row.number);
  }

  take(arrival: Arrival): FireOutcome {
    const step = overlapStep(this.#overlap, {
      open: this.#hasOpen ? 1 : 0,
      buffered: this.#buffered,
    });
    switch (step.kind) {
      case "fire":
        return this.#fire(arrival);
      case "buffer":
        return this.#buffer(arrival);
      case "replace":
        return this.#replace(arrival);
      case "skip": {
        const { scheduledFor: at } = arrival;
        const passed = { reason: step.reason, from: at, to: at, count: 1 };
        addPassed(this.#scope, this.#row.number, passed);
        return { kind: "skipped", reason: step.reason };
      }
    }
  }

  #fire(arrival: Arrival): FireOutcome {
    const job = makeJob(this.#scope, this.#row, { arrival, isTracked: this.#isTracked });
    if (job.created) this.#hasOpen = true;
    return { kind: "fired", job };
  }

  #buffer(arrival: Arrival): FireOutcome {
    addBuffered(this.#scope, this.#row.number, arrival);
    this.#buffered += 1;
    return { kind: "buffered" };
  }

  #replace(arrival: Arrival): FireOutcome {
    const { number } = this.#row;
    // first, so that the end of an open job lets none of them follow
    passBuffered(this.#scope, number, "replaced");
    this.#buffered = 0;
    const { tx } = this.#scope;
    const sql = `SELECT ${FACTS} FROM job INDEXED BY job_open WHERE schedule = ?`;
    for (const job of tx.all<JobFacts>(sql, number)) {
      cancelJob(this.#scope, { task: tx.taskById(job.task), job, keep: this.#keep });
    }
    this.#hasOpen = hasOpen(this.#scope, number);
    return this.#hasOpen ? this.#buffer(arrival) : this.#fire(arrival);
  }
}
