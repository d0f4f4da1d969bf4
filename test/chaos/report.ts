/** Shows what the fault tests tried and found: lines, a table, and docs/reliability.md. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { join } from "node:path";
import { ROOT } from "../../scripts/lib/project.mjs";
import { findServer, type ServerKind } from "../support/servers.js";
import type { Outcome } from "./kit/run.js";
import { runAll, type Skipped, type Wishes } from "./main.js";

const PAGE = join(ROOT, "docs/reliability.md");
const BEGIN = "<!-- chaos: what follows is written by `npm run chaos -- --write` -->";
const END = "<!-- chaos: end -->";
const SHOWN = 8;

/** @returns the exit code: 1 when a promise was broken */
export async function chaos({ write, ...wishes }: Wishes & { write: boolean }): Promise<number> {
  const outcomes = await runAll(wishes, tell);
  const text = tableOf(outcomes, wishes);
  console.log(`\n${text}`);
  if (write) writeFileSync(PAGE, withTable(readFileSync(PAGE, "utf8"), text));
  const broken = outcomes.filter((one) => "verdict" in one && one.verdict.violations.length > 0);
  console.log(`${outcomes.length} scenarios, ${broken.length} with broken promises`);
  return outcomes.length > 0 && broken.length === 0 ? 0 : 1;
}

function tell(outcome: Outcome | Skipped): void {
  if ("why" in outcome) {
    console.log(`– ${outcome.scenario}: skipped, ${outcome.why}`);
    return;
  }
  const { scenario, verdict, folder } = outcome;
  const { violations, faults, jobs, occurrences, health, recoveryMs } = verdict;
  const sign = violations.length === 0 ? "✓" : "✗";
  const hits = Object.values(faults).reduce((sum, n) => sum + n, 0);
  const excused = sumOf(verdict.excused);
  console.log(
    `${sign} ${scenario}: ${hits} faults, ${jobs} jobs, ${occurrences} occurrences, ` +
      `${excused} excused, back after ${recoveryMs ?? "–"} ms`,
  );
  const shown = violations.slice(0, SHOWN).map(({ invariant, text }) => `${invariant}: ${text}`);
  const left = violations.length - shown.length;
  for (const text of [...shown, ...(left > 0 ? [`and ${left} more`] : [])]) {
    console.log(`    ${text}`);
  }
  for (const lie of health) console.log(`    health: ${lie}`);
  if (folder !== null) console.log(`    the history is in ${folder}`);
}

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, n) => sum + n, 0);
}

function listOf(counts: Readonly<Record<string, number>>): string {
  const words = Object.entries(counts).map(([name, n]) => `${n} × ${name}`);
  return words.length === 0 ? "–" : words.join(", ");
}

function tableOf(outcomes: readonly (Outcome | Skipped)[], { seed, seconds }: Wishes): string {
  const head = [
    "Scenario",
    "Faults",
    "Pushes: ok, refused, unknown",
    "Runs",
    "Occurrences",
    "Excused",
    "Broken",
    "Works again after",
  ];
  const rows = outcomes.map(rowOf);
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  return `${conditions(seed, seconds)}\n\n${lines.join("\n")}\n`;
}

function rowOf(one: Outcome | Skipped): string[] {
  if ("why" in one) return [one.scenario, `skipped: ${one.why}`, "", "", "", "", "", ""];
  const { faults, pushes, runs, occurrences, excused, violations, recoveryMs } = one.verdict;
  return [
    one.scenario,
    listOf(faults),
    `${pushes.ok}, ${pushes.refused}, ${pushes.unknown}`,
    String(runs),
    String(occurrences),
    listOf(excused),
    violations.length === 0 ? "none" : listOf(tally(violations.map((it) => it.invariant))),
    recoveryMs === null ? "–" : `${(recoveryMs / 1_000).toFixed(1)} s`,
  ];
}

function tally(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

function conditions(seed: number, seconds: number): string {
  const date = new Date().toISOString().slice(0, 10);
  const where = `Linux ${release().split("-")[0]}, ${cpus().length} cores`;
  const servers = [versionOf("redis-server"), versionOf("valkey-server")].join(", ");
  return (
    `${date}, seed ${seed}, ${seconds} s of faults for each scenario, more where that is too ` +
    `short for each fault to have its turn; ${where}, ` +
    `Node ${process.versions.node}, ${servers}.`
  );
}

function versionOf(kind: ServerKind): string {
  const path = findServer(kind);
  if (path === null) return `no ${kind}`;
  const said = execFileSync(path, ["--version"], { encoding: "utf8" });
  return `${kind} ${/\bv=([\d.]+)/.exec(said)?.[1] ?? "?"}`;
}

function withTable(page: string, text: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`${PAGE} has no place for the table`);
  return `${page.slice(0, begin + BEGIN.length)}\n\n${text}\n${page.slice(end)}`;
}
