/**
 * `npm run sim`: seeds for as long as wanted, or one seed again; ends with 1 if one failed, or if
 * many never hit what they are for.
 */
import { parseArgs } from "node:util";
import { Coverage } from "./coverage.js";
import { backendOf, explain, type Kind, missedBy, neverHit, pastOf, runSeeds } from "./seeds.js";
import { simulate } from "./simulate.js";

const USAGE = `usage: npm run sim [-- --minutes n] [--store model|sqlite|both] [--from seed]
  SEED=n npm run sim [-- --store model|sqlite] shows one world`;

const STORES: Readonly<Record<string, Kind[]>> = {
  both: ["model", "sqlite"],
  model: ["model"],
  sqlite: ["sqlite"],
};

interface Wishes {
  kinds: Kind[];
  minutes: number;
  /** The first seed; null: another one each time. */
  from: number | null;
  /** This one alone. */
  only: number | null;
}

function seedOf(text: string | undefined): number | null {
  return text === undefined ? null : Number(text);
}

/** null: they cannot be granted. */
function wishes(): Wishes | null {
  try {
    const { values } = parseArgs({
      options: {
        minutes: { type: "string", default: "1" },
        store: { type: "string", default: "both" },
        from: { type: "string" },
      },
    });
    const kinds = Object.hasOwn(STORES, values.store) ? STORES[values.store] : undefined;
    const minutes = Number(values.minutes);
    const [from, only] = [seedOf(values.from), seedOf(process.env.SEED)];
    const areSeeds = [from, only].every((seed) => seed === null || Number.isSafeInteger(seed));
    return kinds !== undefined && minutes > 0 && areSeeds ? { kinds, minutes, from, only } : null;
  } catch {
    return null;
  }
}

/** One seed, with everything that happens in it. */
async function replay(seed: number, kind: Kind): Promise<boolean> {
  const backend = await backendOf(kind);
  const simulated = await simulate({ seed, kind, backend, isTold: true });
  console.log(simulated.lines.join("\n"));
  if (simulated.findings.length === 0) {
    console.log(`seed ${seed} over ${kind}: all is well`);
    return true;
  }
  console.log((await explain(simulated, backend)).report);
  return false;
}

async function runFor(ms: number, kind: Kind, first: number): Promise<boolean> {
  const until = performance.now() + ms;
  function* seeds(): Generator<number> {
    yield* pastOf(kind);
    for (let seed = first; ; seed += 1) yield seed;
  }
  const ran = await runSeeds(kind, seeds(), () => performance.now() >= until);
  for (const { report } of ran.failures) console.log(`${report}\n`);
  console.log(`${kind}: ${ran.seeds} seeds from ${first} on, ${ran.events} events`);
  all.add(ran.coverage);
  counts[kind] = ran.seeds;
  return ran.failures.length === 0;
}

const all = new Coverage();
const counts: Partial<Record<Kind, number>> = {};

async function main({ kinds, minutes, from, only }: Wishes): Promise<boolean> {
  let isWell = true;
  if (only !== null) {
    for (const kind of kinds) isWell = (await replay(only, kind)) && isWell;
    return isWell;
  }
  const ms = (minutes * 60_000) / kinds.length;
  // Another part of all seeds each time, named so that it can be run again.
  const first = from ?? Math.floor(Math.random() * 1e9);
  for (const kind of kinds) isWell = (await runFor(ms, kind, first)) && isWell;
  console.log(all.table());
  for (const what of neverHit(all)) console.log(`never hit: ${what}`);
  if (missedBy(all, counts).length === 0) return isWell;
  console.log("so many seeds hit everything: something is not tried any more");
  return false;
}

const wanted = wishes();
if (wanted === null) {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  process.exitCode = (await main(wanted)) ? 0 : 1;
}
