/** Checks one push: the arguments of `push`, or an item of `pushMany`. */
import { parseDuration } from "../duration.js";
import { encodePayload } from "../payload.js";
import { quote } from "../show.js";
import type { JobSpec } from "../spec.js";
import type { PushContext } from "./context.js";
import { checkNewJobId, checkTaskId } from "./ids.js";
import { conflict, instantOption, type KnownOptions, readOptions } from "./read.js";
import { checkRules, RULE_NAMES } from "./rules.js";

const SCHEDULE_ONLY = "it belongs to register(); push() makes one job";
const KNOWN: KnownOptions = {
  names: ["data", "delay", "runAt", "id", ...RULE_NAMES],
  hints: {
    attempts: "use retry: { attempts: … }",
    backoff: 'use retry: { backoff: "exponential" }',
    jobId: "use id",
    payload: "use data",
    concurrency: "it belongs to bind()",
    cronExpr: SCHEDULE_ONLY,
    every: SCHEDULE_ONLY,
    timezone: SCHEDULE_ONLY,
  },
};

export function checkPush(taskId: unknown, options: unknown, context: PushContext): JobSpec {
  const many = context.item !== undefined;
  const id = checkTaskId(taskId, many ? "pushMany" : "push", context);
  const where = many ? `pushMany(${quote(id)})[${context.item}]` : pushOf(id);
  const given = readOptions(options, where, KNOWN);
  return {
    taskId: id,
    id: given.id === undefined ? null : checkNewJobId(given.id, where),
    payload: encodePayload(given.data, { where, limitBytes: context.payloadLimitBytes }),
    due: checkDue(given, where),
    rules: checkRules(given, where),
    occurrence: null,
  };
}

let lastPush = { id: "", text: `push(${quote("")})` };

/** Naming a call costs more than the rest of a check: the last one is remembered. */
function pushOf(id: string): string {
  if (lastPush.id !== id) lastPush = { id, text: `push(${quote(id)})` };
  return lastPush.text;
}

function checkDue(given: Record<string, unknown>, where: string): JobSpec["due"] {
  if (given.delay !== undefined && given.runAt !== undefined) {
    throw conflict(where, "delay and runAt are both given", "use one of them");
  }
  if (given.runAt !== undefined) return { at: instantOption(given.runAt, where, "runAt") };
  if (given.delay === undefined) return null;
  const delayMs = parseDuration(given.delay, `${where}: delay`);
  return delayMs === 0 ? null : { in: delayMs };
}
