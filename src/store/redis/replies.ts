/** What a failed command means: did it run, may it be sent again, is the server unfit for now? */
import { SchedulerError } from "../../core/errors.js";
import { bareError } from "./bare-error.js";

export type Failure =
  /** The call did not run, and may be sent again in order. */
  | "notRun"
  /** The same, but the script is not known to the server any more. */
  | "noScript"
  /** The same, but this server cannot work now (loading, read-only, busy, too few replicas). */
  | "unfit"
  /** The server answered with an error; the script may have got half-way. */
  | "refused"
  /** No answer: it may have run. */
  | "lost";

const NOT_RUN = ["SMQEPOCH", "SMQGAP", "TRYAGAIN", "ASK"];
const UNFIT = [
  ...["LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "NOAUTH", "MOVED"],
  // Before a script begins: the replicas are counted between scripts only.
  "NOREPLICAS",
  // Somebody's script has been running for seconds (busy-reply-threshold).
  "BUSY",
];
/** The script itself may not be called; what it may not do is said in other words. */
const NO_SCRIPTS = /^NOPERM .*'eval(?:sha)?' command/;

export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error) || error.name !== "ReplyError") return "lost";
  const code = error.message.split(" ", 1)[0] ?? "";
  if (NOT_RUN.includes(code)) return "notRun";
  if (code === "NOSCRIPT") return "noScript";
  if (UNFIT.includes(code) || NO_SCRIPTS.test(error.message)) return "unfit";
  return "refused";
}

const FIXES: Readonly<Record<string, string>> = {
  OOM: "the server's memory is full (maxmemory): raise it, or let schedulers drain waiting jobs",
  MISCONF: "the server cannot write to its disk: free space there, or see its log",
  NOPERM: "the Redis user lacks a right; protocol/PROTOCOL.md lists the commands and keys it needs",
  WRONGPASS: "correct username and password in redisConfig",
  NOAUTH: "set password in redisConfig",
  WRONGTYPE: "something else writes under this redisPrefix: give the scheduler a prefix of its own",
  MOVED: "this is a node of a Redis Cluster: use redisConfig: { cluster: [{ host, port }] }",
  TRYAGAIN:
    "its slot is moving to another node: the call was not done, try again when it has moved",
  CLUSTERDOWN: "the cluster has no primary for these keys now: see CLUSTER INFO on its nodes",
  NOREPLICAS:
    "the server waits for its replicas (min-replicas-to-write): see INFO replication there",
  BUSY: "somebody's script does not end: SCRIPT KILL ends one that has not written yet",
  READONLY: "this server is a replica: connect to the primary, or use Sentinel",
};

const NAMED = new RegExp(`\\b(${Object.keys(FIXES).join("|")})\\b`);

interface Reply {
  error: unknown;
  verb: string;
  address: string;
}

/** An error reply before anything was done, as the caller of a verb gets it. */
export function refusal(reply: Reply): SchedulerError {
  return told("STORE_REFUSED", reply, "answered");
}

/** An error reply from the middle of a script: a part of it may have been done. */
export function brokenOff(reply: Reply): SchedulerError {
  return told("STORE_FAILED", reply, "broke it off with");
}

function told(
  code: "STORE_REFUSED" | "STORE_FAILED",
  { error: said, verb, address }: Reply,
  how: string,
): SchedulerError {
  const error = bareError(said);
  const text = error instanceof Error ? error.message : String(error);
  const short = text.length > 300 ? `${text.slice(0, 300)}…` : text;
  const first = NAMED.exec(text);
  // Inside of scripts a missing right has other words: Redis 7.0, then newer ones and Valkey.
  const noRight = /user executing the script can't|ACL failure/.test(text);
  const kind = noRight ? "NOPERM" : first?.[0];
  const fix = FIXES[kind ?? ""];
  return new SchedulerError(code, `${verb}: Redis at ${address} ${how} "${short}"`, {
    ...(fix === undefined ? {} : { fix }),
    cause: error,
  });
}

/** They change nothing, whatever became of their answer. */
const READS = ["get", "list", "counts", "schedule", "schedules"];

const AGAIN = "do it again: the same call twice does no more than once";

/** What helps the caller of a verb that was lost on its way; loops find out by themselves. */
const AFTER_A_LOSS: Readonly<Record<string, string>> = {
  push: "give jobs an id: pushed again with the same id, a job is never stored twice",
  trigger: "look at schedules.ledger() first: triggered again, it may run twice",
  ...{ cancel: AGAIN, redrive: AGAIN, pause: AGAIN, remove: AGAIN, register: AGAIN },
};

export function noAnswer(verb: string, address: string, lost?: unknown): SchedulerError {
  const isRead = READS.includes(verb);
  const fate = isRead ? "nothing was changed" : "it may have been done or not";
  const loops = "nothing: the scheduler finds out what was done";
  return new SchedulerError(
    "STORE_NO_ANSWER",
    `${verb}: sent to Redis at ${address}, but the answer was lost: ${fate}`,
    { fix: isRead ? "ask again" : (AFTER_A_LOSS[verb] ?? loops), cause: bareError(lost) },
  );
}
