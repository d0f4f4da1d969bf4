/** What the handlers of a process did, written by themselves: one line each, in one file of all. */
import { appendFileSync } from "node:fs";

/**
 * @typedef {object} Line
 * @property {number} pid
 * @property {number} at epoch ms
 * @property {"start" | "end" | "abort"} what
 * @property {string} taskId
 * @property {string} jobId
 * @property {number} attempt
 * @property {number} fence
 * @property {string} [scheduleId]
 * @property {number} [scheduledFor]
 * @property {string} [reason] why the signal was aborted
 * @property {string} [name] what the pusher called it
 */

/**
 * @param {string} path
 * @param {Line["what"]} what
 * @param {import("schedule-mq").HandlerContext} context
 * @param {{ reason?: string, name?: string }} more
 */
export function note(path, what, context, more) {
  const { taskId, jobId, attempt, fence, scheduleId, scheduledFor } = context;
  const ids = { taskId, jobId, attempt, fence, ...(scheduledFor && { scheduleId, scheduledFor }) };
  const line = { pid: process.pid, at: Date.now(), what, ...ids, ...more };
  // Opened for appending, so that lines of several processes never mix; gone to the system when
  // this returns, so that a kill right after it loses nothing.
  appendFileSync(path, `${JSON.stringify(line)}\n`);
}
