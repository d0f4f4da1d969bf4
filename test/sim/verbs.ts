/** The verbs of the contract as messages: which there are, and what travels. */
import type { Store, WorkArgs } from "../../src/store/contract.js";

export const VERBS = [
  "open",
  "push",
  "work",
  "look",
  "renew",
  "reap",
  "register",
  "fire",
  "trigger",
  "pause",
  "remove",
  "schedule",
  "schedules",
  "tend",
  "recover",
  "get",
  "cancel",
  "redrive",
  "list",
  "counts",
  "prune",
  "mend",
] as const satisfies readonly (keyof Store)[];

export type Verb = (typeof VERBS)[number];

/** Calls that are never carried out twice: the client numbers them. */
export const NUMBERED: ReadonlySet<Verb> = new Set<Verb>(["push", "work"]);

/** What is sent: what the sender does with its objects afterwards, the server does not see. */
export function sent(verb: Verb, args: unknown): unknown {
  if (verb !== "work") return args;
  const { settles, ...rest } = args as WorkArgs;
  return {
    ...rest,
    settles: settles.map(({ fence, taskId, number, id, scheduleId, outcome }) => ({
      ...{ fence, taskId, number, id, scheduleId, outcome },
    })),
  };
}

/** Calls a verb of a store by its name. */
export function invoke(store: Store, verb: Verb, args: unknown): Promise<unknown> {
  return (store[verb] as (args: unknown) => Promise<unknown>).call(store, args);
}
