/** What a failed command means: did it run, may it be sent again, is the server unfit for now? */
import { SchedulerError } from "../../core/errors.js";

export type Failure =
  /** The call did not run, and may be sent again in order. */
  | "notRun"
  /** The same, but the script is not known to the server any more. */
  | "noScript"
  /** The same, but this server cannot work now (loading, read-only, no master). */
  | "unfit"
  /** The server answered with an error; the script may have got half-way. */
  | "refused"
  /** No answer: it may have run. */
  | "lost";

const NOT_RUN = ["SMQEPOCH", "SMQGAP", "BUSY", "TRYAGAIN"];
const UNFIT = ["LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "NOAUTH", "MOVED"];

export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error) || error.name !== "ReplyError") return "lost";
  const code = error.message.split(" ", 1)[0] ?? "";
  if (NOT_RUN.includes(code)) return "notRun";
  if (code === "NOSCRIPT") return "noScript";
  if (UNFIT.includes(code)) return "unfit";
  return "refused";
}

const FIXES: Readonly<Record<string, string>> = {
  OOM: "the server's memory is full (maxmemory): raise it, or let schedulers drain waiting jobs",
  MISCONF: "the server cannot write to its disk: free space there, or see its log",
  NOPERM: "the Redis user lacks a right; protocol/PROTOCOL.md lists the commands and keys it needs",
  WRONGPASS: "correct username and password in redisConfig",
  NOAUTH: "set password in redisConfig",
  WRONGTYPE: "something else writes under this redisPrefix: give the scheduler a prefix of its own",
  MOVED: "this is a node of a Redis Cluster, which is not supported yet: use a single server",
  READONLY: "this server is a replica: connect to the primary, or use Sentinel",
};

/** An error reply, as the caller of a verb gets it. */
export function refusal(args: { error: unknown; verb: string; address: string }): SchedulerError {
  const text = args.error instanceof Error ? args.error.message : String(args.error);
  const short = text.length > 300 ? `${text.slice(0, 300)}…` : text;
  const fix = FIXES[text.split(" ", 1)[0] ?? ""];
  return new SchedulerError(
    "STORE_REFUSED",
    `${args.verb}: Redis at ${args.address} answered "${short}"`,
    { ...(fix === undefined ? {} : { fix }), cause: args.error },
  );
}

const PUSH_AGAIN = "give jobs an id: pushed again with the same id, a job is never stored twice";

export function noAnswer(verb: string, address: string, cause?: unknown): SchedulerError {
  return new SchedulerError(
    "STORE_NO_ANSWER",
    `${verb}: sent to Redis at ${address}, but the answer was lost: it may have been done or not`,
    { fix: verb === "push" ? PUSH_AGAIN : "nothing: the scheduler finds out what was done", cause },
  );
}
