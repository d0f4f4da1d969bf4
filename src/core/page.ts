/** What is said of a cursor that no page of the list has given. */
import { SchedulerError } from "./errors.js";
import { quote } from "./show.js";

export function ofNoPage(cursor: string): SchedulerError {
  return new SchedulerError("OPTION_INVALID", `the cursor ${quote(cursor)} is of no page`, {
    value: cursor,
    fix: "give the cursor of the page before, of the same list, or begin anew",
  });
}
