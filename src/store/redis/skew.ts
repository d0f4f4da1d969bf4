/** How far a server's clock is from this machine's, and those of servers from each other. */
import type { Clock } from "../../clock.js";
import { type Finding, finding, hidden } from "../../core/finding.js";
import type { Command } from "./client.js";

/** Clocks further apart than this are worth a word. */
const APART_MS = 1_000;

/** The server's clock minus this machine's, and how wrong that may be. */
export interface Skew {
  ms: number;
  doubtMs: number;
}

/** null: hidden. */
export async function askSkew(command: Command, clock: Clock): Promise<Skew | null> {
  try {
    const before = clock.now();
    const [seconds, micros] = (await command("TIME")) as [string, string];
    const after = clock.now();
    const server = Number(seconds) * 1_000 + Number(micros) / 1_000;
    return { ms: Math.round(server - (before + after) / 2), doubtMs: after - before };
  } catch {
    return null;
  }
}

export function ofClock(skew: Skew | null): Finding {
  const code = "CLOCK_SKEW";
  if (skew === null) return hidden(code, "the server's clock", "+time");
  const value = skew.ms;
  if (Math.abs(value) <= APART_MS + skew.doubtMs) {
    return finding(code, "ok", "the server's clock and this machine's agree", { value });
  }
  const text = `the server's clock is ${Math.abs(value)} ms ${value > 0 ? "ahead" : "behind"}`;
  return finding(code, "warning", `${text}: \`runAt\` and schedules go by the server's`, {
    ...{ fix: "let NTP set both clocks", value },
  });
}

/** Of several nodes. */
export function ofClocks(all: readonly { node: string; skew: Skew | null }[]): Finding {
  const code = "CLOCKS_APART";
  const known = all.flatMap(({ node, skew }) => (skew === null ? [] : [{ node, ...skew }]));
  const [first] = [...known].sort((a, b) => a.ms - b.ms);
  const last = [...known].sort((a, b) => b.ms - a.ms)[0];
  if (first === undefined || last === undefined) {
    return hidden(code, "the clocks of the nodes", "+time");
  }
  const nodes = known.map(({ node }) => node);
  const value = last.ms - first.ms;
  if (value <= APART_MS + first.doubtMs + last.doubtMs) {
    return { ...finding(code, "ok", "the clocks of the nodes agree", { value }), nodes };
  }
  const text = `the clock of ${last.node} is ${value} ms ahead of that of ${first.node}`;
  const meaning = `${text}: each decides what is due in its shards`;
  const fix = "let NTP set the clocks of all nodes";
  return { ...finding(code, "warning", meaning, { fix, value }), nodes: [first.node, last.node] };
}
