/** Schedules: rules, their instants, plans and outcomes; exports only. */
export {
  decodeRule,
  digestOf,
  type ExcludedSpan,
  encodeRule,
  jitterOf,
  type ScheduleDefinition,
  type ScheduleRule,
} from "./schedule/definition.js";
export { type Explained, explainAt, explainNow } from "./schedule/explain.js";
export {
  entryAt,
  type FiredEntry,
  type FiredHow,
  INSTANCE_LENGTH,
  type LedgerEntry,
  MOST_FIRED,
  outcomeOfEntry,
  type PassedEntry,
} from "./schedule/ledger.js";
export {
  type Decision,
  type Firing,
  type Outcome,
  outcomeOf,
  type Passing,
  type PassReason,
} from "./schedule/outcome.js";
export { OVERLAPS, type Overlap } from "./schedule/overlap.js";
export { type FirePlan, MAX_FIRES_PER_PLAN, type PlanAt, planFire } from "./schedule/plan.js";
export { type Previewed, preview } from "./schedule/preview.js";
export {
  countOccurrences,
  isExcluded,
  nextOccurrence,
  nextToFire,
  occurrencesBetween,
} from "./schedule/timing.js";
