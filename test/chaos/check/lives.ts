/** I10, I13, I14: processes stop when told to, work again after faults, and never crash. */
import type { Fault } from "../kit/history.js";
import { BACK_MS, type Case, SLACK_MS } from "./case.js";

/** Within this time a process should know that its store is away. */
const NOTICE_MS = 2_000;

/** One claim may be on its way when a process is told to stop. */
const CLAIM_MS = 1_000;

export function judgeLives(its: Case): void {
  for (const exit of its.history.of("exit")) {
    if (exit.code === 0 || exit.expected) continue;
    const how = exit.signal ?? `code ${exit.code}`;
    its.broken("I14", `${exit.process} ended with ${how}: ${exit.said.slice(-500)}`);
  }
  judgeStops(its);
  judgeHealing(its);
  for (const fault of its.history.of("fault")) if (fault.works === true) judgeWorking(its, fault);
}

/** I10: nothing begins after SIGTERM, and the process ends in time. */
function judgeStops(its: Case): void {
  for (const term of its.history.of("term")) {
    const trouble = its.troubleMs(term.t, its.history.endOf(term.by), [term.by]);
    const late = its.history
      .of("start")
      .filter(({ by, t }) => by === term.by && t > term.t + CLAIM_MS + trouble);
    if (late.length > 0) its.broken("I10", `${term.by} began ${late.length} jobs after SIGTERM`);
    const took = its.history.endOf(term.by) - term.t;
    if (took > its.rules.stopMs + SLACK_MS + haltedMs(its, term.by, term.t)) {
      its.broken("I10", `${term.by} had not ended ${Math.round(took)} ms after SIGTERM`);
    }
  }
}

/** How long a process stood still after a moment: it cannot stop then. */
function haltedMs(its: Case, process: string, after: number): number {
  return its.history
    .of("fault")
    .filter(
      ({ kind, processes, to }) => kind === "stop" && processes?.includes(process) && to > after,
    )
    .reduce((sum, { from, to }) => sum + to - Math.max(from, after), 0);
}

/** I13: after the last fault each worker runs, each pusher is answered, and all is worked off. */
function judgeHealing(its: Case): void {
  if (its.history.phase("stuck") !== null) {
    its.broken("I13", "what was pushed was not worked off");
  }
  const healedAt = its.history.phase("healed");
  for (const { scheduleId } of healedAt === null ? [] : its.rules.schedules) {
    const last = its.history.of("start").findLast((start) => start.scheduleId === scheduleId);
    if (last !== undefined && last.t > (healedAt ?? 0)) continue;
    const now = its.history.of("clock").at(-1);
    const isBehind = now !== undefined && its.wasBeyond(now.storeMs, now.t);
    its.unless(
      [["clock", isBehind]],
      "I13",
      () => `${scheduleId} did not fire after the last fault`,
    );
  }
  for (const [process, tookMs] of recoveries(its)) {
    if (tookMs > BACK_MS) {
      its.broken("I13", `${process} did not work within ${BACK_MS} ms after the last fault`);
    }
  }
}

/** Those who lived through the last fault, and how long each needed to work again. */
export function recoveries(its: Case): Map<string, number> {
  const { history } = its;
  const healedAt = history.phase("healed");
  const took = new Map<string, number>();
  if (healedAt === null) return took;
  for (const { t, process, role } of history.of("spawn")) {
    if (role === "registrar" || t > healedAt) continue;
    const signs =
      role === "worker"
        ? history.of("start")
        : history.of("pushed").filter(({ outcome }) => outcome === "ok");
    // On a busy machine a program may need seconds to be loaded: it is judged from its first word.
    const hello = history.of("hello").find(({ by }) => by === process)?.t;
    if (hello === undefined) continue;
    const from = Math.max(healedAt, hello);
    const sign = signs.find(({ by, t: at }) => by === process && at > healedAt)?.t;
    // Who ended before its time was over has nothing to answer for.
    if (sign === undefined && endsBy(its, process, from + BACK_MS)) continue;
    const until = sign ?? Number.POSITIVE_INFINITY;
    took.set(process, Math.max(0, until - from - its.lagMs(process, from, until)));
  }
  return took;
}

function endsBy({ history }: Case, process: string, t: number): boolean {
  const term = history.of("term").find(({ by }) => by === process)?.t ?? Number.POSITIVE_INFINITY;
  return Math.min(term, history.endOf(process)) < t;
}

/** A store that is only full goes on handing out and taking back what it has. */
function judgeWorking(its: Case, { kind, from, to }: Fault): void {
  // Those who did not get to run say nothing about the store.
  const ups = its.history.of("up");
  const couldWork = ups.some(({ t, by }) => {
    const isThere = t < from && its.history.endOf(by) > to;
    return isThere && to - from - its.lagMs(by, from, to) > CLAIM_MS;
  });
  if (ups.length > 0 && !couldWork) return;
  const isWithin = ({ t }: { t: number }) => from + 500 < t && t < to;
  if (!its.history.of("start").some(isWithin)) its.broken("I13", `no job began during ${kind}`);
  if (!its.history.of("completed").some(isWithin)) {
    its.broken("I13", `no job was completed during ${kind}`);
  }
}

/** What `health()` said that was not so. */
export function healthLies(its: Case): string[] {
  const { history } = its;
  const lies: string[] = [];
  const healedAt = history.phase("healed") ?? Number.POSITIVE_INFINITY;
  const endAt = history.phase("end") ?? Number.POSITIVE_INFINITY;
  for (const { process, role } of history.of("spawn")) {
    if (role !== "worker" || endsBy(its, process, endAt)) continue;
    const hello = history.of("hello").find(({ by }) => by === process)?.t ?? healedAt;
    const from = Math.max(healedAt, hello);
    const backAt = Math.min(endAt, from + BACK_MS + its.lagMs(process, from, endAt));
    const said = history.of("health").filter(({ by, t }) => by === process && t < backAt);
    const last = said.at(-1);
    if (last !== undefined && !last.ready) {
      lies.push(`${process} was not ready after the faults: ${last.reasons.join(", ")}`);
    }
    for (const fault of history.of("fault").filter(({ kind }) => kind.startsWith("down"))) {
      // Long before its end, since a process may notice that before the controller does.
      const at = said.filter(({ t }) => t < fault.from + NOTICE_MS).at(-1);
      if (fault.to - fault.from > 2 * NOTICE_MS && at?.ready === true) {
        lies.push(`${process} was ready while the store was away (${fault.kind})`);
      }
    }
  }
  return lies;
}
