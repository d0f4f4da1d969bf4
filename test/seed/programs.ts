/**
 * Programs around the examples of seed.md. Supplied are only: how the library is loaded, where the
 * server is, what the text leaves out ("..." and handlers that it does not show), and what makes
 * the outcome visible.
 */
import { seedExamples } from "./blocks.js";

/** How the library is loaded, and what the file is called. */
export const KINDS = {
  import: { file: "mjs", load: 'import { createScheduler } from "schedule-mq";' },
  require: { file: "cjs", load: 'const { createScheduler } = require("schedule-mq");' },
  typescript: { file: "mts", load: 'import { createScheduler } from "schedule-mq";' },
} as const;

export type Kind = keyof typeof KINDS;

export const PASSWORD = "dummy"; // as in the seed
export const BASIC_PREFIX = "_my_prefix:"; // as in the seed

export interface Given {
  kind: Kind;
  port: number;
}

export interface SeedProgram {
  name: string;
  /** Of the keys on the server; the same for all kinds where they have to work together. */
  prefix: (kind: Kind) => string;
  text: (given: Given) => string;
}

const seed = seedExamples();

/** A scheduler on the server, in a variable. */
function creates(variable: string, prefix: string, port: number): string {
  const redis = `{ host: "127.0.0.1", port: ${port}, password: "${PASSWORD}" }`;
  const options = `{ redisConfig: ${redis}, redisPrefix: "${prefix}" }`;
  return `const ${variable} = createScheduler(${options});`;
}

function supplied(name: string, body: (given: Given, prefix: string) => string[]): SeedProgram {
  const prefix = (kind: Kind): string => `${name}-${kind}:`;
  return { name, prefix, text: (given) => body(given, prefix(given.kind)).join("\n") };
}

/** Exactly one place is replaced, or the seed is not what it was. */
export function replaceOnce(text: string, from: string, to: string): string {
  if (text.split(from).length !== 2) throw new Error(`seed.md: not exactly one "${from}"`);
  return text.replace(from, to);
}

export const basic: SeedProgram = {
  name: "basic",
  prefix: () => BASIC_PREFIX,
  text: ({ kind, port }) =>
    [KINDS[kind].load, replaceOnce(seed.basic, "port: 5379", `port: ${port}`)].join("\n"),
};

export const bound: SeedProgram = supplied("bound", ({ kind, port }, prefix) => [
  KINDS[kind].load,
  creates("scheduler", prefix, port),
  seed.bound,
  seed.pushed,
]);

export const two: SeedProgram = supplied("two", ({ kind, port }, prefix) => [
  KINDS[kind].load,
  creates("scheduler", prefix, port),
  creates("scheduler2", prefix, port),
  'scheduler.bind("taskA", () => console.log("task by 1"));',
  'scheduler2.bind("taskA", () => console.log("task by 2"));',
  seed.two,
]);

export const retried: SeedProgram = supplied("retried", ({ kind, port }, prefix) => [
  KINDS[kind].load,
  creates("scheduler", prefix, port),
  'scheduler.bind("taskA", () => true);',
  seed.retried,
  'scheduler.start().then(() => console.log("started"));',
]);

export const pushedAgain: SeedProgram = supplied("pushed-again", ({ kind, port }, prefix) => [
  KINDS[kind].load,
  creates("scheduler", prefix, port),
  'scheduler.bind("taskA", (_data, { attempt }) => {',
  '    console.log("attempt", attempt);',
  "    return attempt > 1;",
  "});",
  "scheduler.start();",
  seed.pushedAgain,
]);

export const data: SeedProgram = supplied("data", ({ kind, port }, prefix) => [
  KINDS[kind].load,
  creates("scheduler", prefix, port),
  'console.log("pushed");',
  replaceOnce(seed.data, "\n...\n", "\nscheduler.start();\n"),
]);

/** The handler never ends; whoever takes the job over says so. */
export const killed: SeedProgram = supplied("killed", ({ kind, port }, prefix) => [
  KINDS[kind].load,
  creates("scheduler", prefix, port),
  'scheduler.bind("taskA", async (_data, { attempt }) => {',
  '    console.log("attempt", attempt);',
  "    if (attempt === 1) await new Promise((resolve) => setTimeout(resolve, 600_000));",
  "});",
  'scheduler.bind("once", async () => {',
  '    console.log("once");',
  "    await new Promise((resolve) => setTimeout(resolve, 600_000));",
  "});",
  "scheduler.start();",
]);

export const PROGRAMS: readonly SeedProgram[] = [basic, bound, two, retried, pushedAgain, data];

/** What is pushed for `killed`: the seed's call, and one without retry. */
export const PUSHES = seed.pushedAgain;

/** The file of a program in a user's project. */
export function fileOf(program: SeedProgram, kind: Kind): string {
  return `${program.name}.${KINDS[kind].file}`;
}
