/**
 * Every example of the original description runs as written: loaded by `import`, by `require`, and
 * compiled from strict TypeScript; as real processes, against a real server with the settings that
 * the description recommends.
 */
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createScheduler, type Scheduler } from "../../src/index.js";
import { startServer, type TestServer } from "../support/servers.js";
import { until } from "../support/until.js";
import { compiled, type Program, type UserProject, userProject } from "../support/user-project.js";
import { seedExamples } from "./blocks.js";
import {
  BASIC_PREFIX,
  basic,
  bound,
  data,
  fileOf,
  KINDS,
  type Kind,
  killed,
  PASSWORD,
  PROGRAMS,
  PUSHES,
  pushedAgain,
  retried,
  type SeedProgram,
  two,
} from "./programs.js";

const ALL_KINDS = Object.keys(KINDS) as Kind[];
const PERIOD_MS = 10_000;
/** Only a bound: nothing takes so long, unless the machine is very busy. */
const LONG_MS = 30_000;
/** Two occurrences, ten seconds apart, and what a busy machine takes beside them. */
const TWO_PERIODS_MS = 40_000;

let server: TestServer;
let project: UserProject;
const clients: Scheduler[] = [];
const started = new Map<string, Program>();

beforeAll(async () => {
  server = await startServer({ args: recommendedSettings() });
  const redis = new Redis({ host: server.host, port: server.port });
  await redis.config("SET", "requirepass", PASSWORD);
  redis.disconnect();
  project = userProject();
  for (const kind of ALL_KINDS) {
    for (const program of [...PROGRAMS, killed]) {
      project.write(fileOf(program, kind), program.text({ kind, port: server.port }));
    }
  }
  expect(await project.compile()).toBe("");
  // All at once, since most of them only wait: for ten seconds to pass, or five.
  for (const kind of ALL_KINDS) {
    for (const program of PROGRAMS) started.set(`${program.name} ${kind}`, start(program, kind));
  }
}, 60_000);

afterAll(async () => {
  await Promise.all(clients.map((client) => client.stop()));
  await project?.remove();
  await server?.stop();
});

/** `appendonly yes` and `appendfsync always`, as the description says, as arguments. */
function recommendedSettings(): string[] {
  const lines = seedExamples().settings.split("\n");
  return lines.flatMap((line) => {
    const [name, value] = line.split(/\s+/);
    return [`--${name}`, String(value)];
  });
}

function start(program: SeedProgram, kind: Kind): Program {
  const file = fileOf(program, kind);
  return project.start(kind === "typescript" ? compiled(file) : file);
}

/** The program as it was started before the first test. */
function running(program: SeedProgram, kind: Kind): Program {
  const found = started.get(`${program.name} ${kind}`);
  if (found === undefined) throw new Error(`${program.name} was not started`);
  return found;
}

/** A scheduler that only looks: it has nothing bound and is never started. */
function client(prefix: string): Scheduler {
  const { host, port } = server;
  const redisConfig = { host, port, password: PASSWORD };
  const made = createScheduler({
    redisConfig,
    redisPrefix: prefix,
    logger: false,
    // Its code is compiled when it is first used, on a machine that has much else to do.
    pushTimeout: LONG_MS,
  });
  clients.push(made);
  return made;
}

/** The lines with `text` that the programs have printed, as soon as there are `count`. */
async function collect(programs: readonly Program[], text: string, count: number) {
  const found = (): boolean => linesWith(programs, text).length >= count;
  await until(`${count} lines "${text}"`, found, TWO_PERIODS_MS);
  return linesWith(programs, text);
}

function linesWith(programs: readonly Program[], text: string): { text: string; at: number }[] {
  return programs.flatMap(({ lines }) => lines.filter((line) => line.text.includes(text)));
}

function expectOncePerPeriod(found: readonly { at: number }[]): void {
  const periods = found.map(({ at }) => Math.floor(at / PERIOD_MS));
  expect(new Set(periods).size, `printed at ${found.map(({ at }) => at)}`).toBe(found.length);
  for (const { at } of found) expect(at % PERIOD_MS).toBeLessThan(5_000);
}

/** The store knows of as many jobs as were printed, each completed at its first attempt. */
async function expectEachOnce(programs: readonly Program[], prefix: string): Promise<void> {
  const looking = client(prefix);
  const sameEverywhere = async (): Promise<boolean> => {
    const { pushed, completed, failures, crashes } = (await looking.jobs.counts("taskA")).total;
    const printed = linesWith(programs, "task").length;
    return pushed === printed && completed === printed && failures + crashes === 0;
  };
  await until("as many lines as jobs", sameEverywhere, LONG_MS);
}

describe("the seed, word for word", () => {
  it("the job of a killed process is issued again, and one without retry never", async () => {
    const first = start(killed, "import");
    const pushing = client(killed.prefix("import"));
    // The seed's own line; `scheduler` is all that it needs.
    await new Function("scheduler", `return ${PUSHES}`)(pushing);
    const { id } = await pushing.push("once");
    await Promise.all([first.prints("attempt 1"), first.prints("once")]);
    const second = start(killed, "import");
    expect(await first.kill("SIGKILL")).toMatchObject({ signal: "SIGKILL" });
    await second.prints("attempt 2", LONG_MS);
    const interrupted = async (): Promise<boolean> =>
      (await pushing.jobs.get("once", id))?.reason === "interrupted";
    await until("the other job to be dead", interrupted, LONG_MS);
    expect(second.said).not.toContain("once");
  }, 60_000);

  it("the first example: the same program three times is one fleet", async () => {
    const programs = ALL_KINDS.map((kind) => running(basic, kind));
    expectOncePerPeriod(await collect(programs, "task", 2));
    await expectEachOnce(programs, BASIC_PREFIX);
  }, 60_000);

  describe.each(ALL_KINDS)("by %s", (kind) => {
    it("a bound and registered task runs, and when it is pushed, too", async () => {
      const programs = [running(bound, kind)];
      await collect(programs, "task", 2);
      await expectEachOnce(programs, bound.prefix(kind));
    }, 60_000);

    it("a task of two schedulers is executed only once every 10 seconds", async () => {
      const programs = [running(two, kind)];
      expectOncePerPeriod(await collect(programs, "task", 2));
      await expectEachOnce(programs, two.prefix(kind));
    }, 60_000);

    it("a task is registered with retry", async () => {
      await running(retried, kind).prints("started");
      const redis = new Redis({ host: server.host, port: server.port, password: PASSWORD });
      const stored = await redis.hget(`${retried.prefix(kind)}{0}:schedules`, "dtaskA");
      redis.disconnect();
      expect(stored).toContain('"cronExpr":"* */10 * * * *"');
      expect(stored).toContain('"retry":{"attempts":0,"waitMs":10000,"backoff":"fixed"}');
    }, 60_000);

    it("a pushed task is issued again after retryTimeout", async () => {
      const program = running(pushedAgain, kind);
      await program.prints("attempt 2", LONG_MS);
      const [first, second, ...more] = program.lines;
      expect([first!.text, second!.text, more]).toEqual(["attempt 1", "attempt 2", []]);
      // Printing, and the arrival here, take their time, too.
      expect(second!.at - first!.at).toBeGreaterThan(4_500);
    }, 60_000);

    it("a handler is given delayed data, not before its time", async () => {
      const program = running(data, kind);
      await program.prints("received", LONG_MS);
      const [pushed, received, ...more] = program.lines;
      expect([received!.text, more]).toEqual(["received  im data", []]);
      expect(received!.at - pushed!.at).toBeGreaterThan(4_500);
    }, 60_000);
  });
});
