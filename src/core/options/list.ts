/** Checks the arguments of `jobs.list`. */
import { JOB_STATES, type JobState } from "../job.js";
import { quote, show } from "../show.js";
import type { TaskContext } from "./context.js";
import { checkTaskId } from "./ids.js";
import { invalid, missing, readOptions, wholeOption, wordOption } from "./read.js";

export interface CheckedList {
  taskId: string;
  state: JobState;
  /** null: from the beginning. */
  cursor: string | null;
  limit: number;
}

const DEFAULT_LIMIT = 100;
const MOST_LISTED = 1_000;

export function checkList(
  taskId: unknown,
  options: unknown,
  context: TaskContext = {},
): CheckedList {
  const id = checkTaskId(taskId, "jobs.list", context);
  const where = `jobs.list(${quote(id)})`;
  const given = readOptions(options, where, { names: ["state", "cursor", "limit"] });
  if (given.state === undefined) {
    throw missing(where, "state is missing", `use one of ${JOB_STATES.join(", ")}`);
  }
  const { cursor } = given;
  if (cursor !== undefined && typeof cursor !== "string") {
    // Taking null for "from the beginning" would turn the last page into an endless loop.
    throw invalid(where, `cursor must be a string, got ${show(cursor)}`, {
      fix: cursor === null ? "null says that there is no next page" : "use that of the page before",
      value: cursor,
    });
  }
  return {
    taskId: id,
    state: wordOption(given.state, { where, name: "state", fallback: "ready", words: JOB_STATES }),
    cursor: cursor ?? null,
    limit: wholeOption(given.limit, {
      where,
      name: "limit",
      fallback: DEFAULT_LIMIT,
      min: 1,
      max: MOST_LISTED,
    }),
  };
}
