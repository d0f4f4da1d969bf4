/** The errors of cron expressions: each shows the expression and points at the place. */
import { type ErrorCode, SchedulerError } from "../errors.js";
import { quote } from "../show.js";

/** The expression that is being read, and the option that it was given as. */
export interface CronText {
  text: string;
  where: string;
}

/** A piece of the expression. */
export interface Span {
  start: number;
  text: string;
}

export function cronProblem(
  code: ErrorCode,
  cron: CronText,
  details: { problem: string; fix: string; at?: Span },
): SchedulerError {
  const { problem, fix, at } = details;
  const message = `${cron.where} ${quote(cron.text)}: ${problem}`;
  const pointer = at === undefined ? "" : pointAt(cron.text, at);
  return new SchedulerError(code, message + pointer, { fix, value: cron.text });
}

function pointAt(text: string, at: Span): string {
  const shown = text.replaceAll(/[^\x20-\x7e]/g, " ");
  return `\n    ${shown}\n    ${" ".repeat(at.start)}${"^".repeat(Math.max(1, at.text.length))}`;
}
