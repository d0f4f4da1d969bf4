/** Runs seeds, says what failed and how to see it again, and counts what was hit. */
import type { BackendMaker } from "./backend.js";
import type { Finding } from "./checker.js";
import { Coverage } from "./coverage.js";
import { KINDS } from "./faults.js";
import { modelBackend } from "./model-backend.js";
import { PAST } from "./past.js";
import { type Plan, planOf } from "./plan.js";
import { shrink } from "./shrink.js";
import { type Simulated, simulate } from "./simulate.js";
import { sqliteBackend } from "./sqlite-backend.js";

export interface Failure {
  seed: number;
  kind: Plan["backend"];
  findings: Finding[];
  /** For people: what was drawn, what is left of it, how to replay it. */
  report: string;
}

export interface Ran {
  seeds: number;
  events: number;
  failures: Failure[];
  coverage: Coverage;
}

export type Kind = Plan["backend"];

/** So many seeds of each store are run by the ordinary tests. */
export const ORDINARY: Readonly<Record<Kind, number>> = { model: 600, sqlite: 200 };

/** Beyond those: what one of these hits, none of the others does. */
const ALSO: Readonly<Record<Kind, readonly number[]>> = { model: [], sqlite: [238, 301, 586] };

/** Those that once failed come first. */
export function ordinarySeeds(kind: Kind): number[] {
  const first = Array.from({ length: ORDINARY[kind] }, (_, n) => n + 1);
  return [...pastOf(kind), ...first, ...ALSO[kind]];
}

export async function backendOf(kind: Kind): Promise<BackendMaker> {
  return kind === "model" ? modelBackend() : await sqliteBackend();
}

/** `isOver` is asked before each seed. */
export async function runSeeds(
  kind: Kind,
  seeds: Iterable<number>,
  isOver: () => boolean = () => false,
): Promise<Ran> {
  const backend = await backendOf(kind);
  const ran: Ran = { seeds: 0, events: 0, failures: [], coverage: new Coverage() };
  for (const seed of seeds) {
    if (isOver()) break;
    const simulated = await simulate({ seed, kind, backend });
    ran.seeds += 1;
    ran.events += simulated.events;
    ran.coverage.add(simulated.coverage);
    if (simulated.findings.length === 0) continue;
    const isOneOfMany = ran.failures.length >= MOST_EXPLAINED;
    ran.failures.push(isOneOfMany ? named(simulated) : await explain(simulated, backend));
  }
  return ran;
}

/** Making a world small takes dozens of runs. */
const MOST_EXPLAINED = 3;

function named({ plan, findings }: Simulated): Failure {
  const { seed, backend: kind } = plan;
  const [first] = findings;
  const report = `seed ${seed} over ${kind}, too: ${first?.invariant}: ${first?.what}`;
  return { seed, kind, findings, report };
}

/** The seeds that failed once, of one kind of store. */
export function pastOf(kind: Kind): number[] {
  return PAST.filter((each) => each.kind === kind).map(({ seed }) => seed);
}

/** What a failing seed drew, and the faults without which it does not fail. */
export async function explain(simulated: Simulated, backend: BackendMaker): Promise<Failure> {
  const { plan, findings } = simulated;
  const { seed, backend: kind } = plan;
  const first = findings[0]?.invariant;
  const faults = await shrink(plan.faults, async (some) => {
    const again = await simulate({ seed, kind, backend, faults: some });
    return again.findings.some(({ invariant }) => invariant === first);
  });
  const { pushes, faults: _, ...settings } = planOf(seed, kind);
  const report = [
    `seed ${seed} over ${kind}:`,
    ...findings.slice(0, 5).map(({ invariant, what }) => `  ${invariant}: ${what}`),
    `  drawn: ${JSON.stringify(settings)}`,
    `  ${pushes.length} pushes; of ${plan.faults.length} faults these are enough:`,
    ...faults.map((fault) => `    ${JSON.stringify(fault)}`),
    `  again: SEED=${seed} npm run sim -- --store ${kind}`,
  ].join("\n");
  return { seed, kind, findings, report };
}

/** What no fault has hit, though it should have: a test that has tested nothing. */
export function neverHit(coverage: Coverage): string[] {
  return MUST_HIT.filter(([fault, state]) => coverage.hits(fault, state) === 0).map(
    ([fault, state]) => (state === undefined ? fault : `${fault} × ${state}`),
  );
}

/** A run of so many times the ordinary seeds has hit everything, whatever its first seed was. */
const MANY = 25;

/** What a run of seeds should have hit, and has not; shorter runs may have been unlucky. */
export function missedBy(coverage: Coverage, seeds: Partial<Record<Kind, number>>): string[] {
  const kinds = Object.keys(seeds) as Kind[];
  const isLong = kinds.every((kind) => (seeds[kind] ?? 0) >= MANY * ORDINARY[kind]);
  return isLong ? neverHit(coverage) : [];
}

const OF_KIND: Partial<Record<(typeof KINDS)[number], string[]>> = {
  jump: ["jump back", "jump ahead"],
  error: [
    "error STORE_REFUSED",
    "error STORE_FAILED",
    "error STORE_DAMAGED",
    "error STORE_UNREACHABLE",
  ],
};

const STRUCK = ["crash", "freeze", "cut", "reset", "restart", "powerCut", "deploy"];
const STATES = ["idle", "handler", "work", "push", "look", "fire", "register"];

/** Each kind at all, and the pairs that matter most. */
const MUST_HIT: [fault: string, state?: string][] = [
  ...KINDS.flatMap((kind) => OF_KIND[kind] ?? [kind]).map((fault): [string] => [fault]),
  ["killer"],
  ...["trigger", "redrive", "pause", "resume", "upsert", "remove", "backfill", "read"].map(
    (wish): [string, string] => [`wish ${wish}`, "done"],
  ),
  ["on time", "fire"],
  ...STRUCK.flatMap((fault) => STATES.slice(0, 3).map((state): [string, string] => [fault, state])),
  ...["loseRequest", "loseReply", "lateReply", "error STORE_REFUSED"].flatMap((fault) =>
    [...STATES.slice(2), "renew"].map((verb): [string, string] => [fault, verb]),
  ),
];
