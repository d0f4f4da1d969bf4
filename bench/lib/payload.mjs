/** What the jobs of the bench carry: a number to recognise them by, and padding to a fixed size. */

/**
 * @typedef {object} Payload
 * @property {number} n which job of its task this is, from 0
 * @property {number} at the instant that its start is compared with, see `nowMs`; 0: none
 * @property {string} pad
 */

/** Bytes of the JSON text without the digits of its numbers and without padding. */
const FRAME = JSON.stringify({ n: 0, at: 0, pad: "" }).length - 2;

/** Shared by all payloads, so that the bench's own garbage does not count. @type {string[]} */
const pads = [];

/** @param {number} length */
function padOf(length) {
  pads[length] ??= "x".repeat(length);
  return pads[length];
}

/**
 * A payload whose JSON text has exactly `bytes` bytes (more only where they do not suffice).
 * @param {number} n
 * @param {number} at
 * @param {number} bytes
 * @returns {Payload}
 */
export function payloadOf(n, at, bytes) {
  const bare = FRAME + String(n).length + String(at).length;
  return { n, at, pad: padOf(Math.max(0, bytes - bare)) };
}

/**
 * @param {number} jobs
 * @param {number} bytes
 * @returns {Payload[]}
 */
export function payloads(jobs, bytes) {
  return Array.from({ length: jobs }, (_, n) => payloadOf(n, 0, bytes));
}

/**
 * The tasks that jobs of `taskId` are spread over, where that is more than one.
 * @param {string} taskId
 * @param {number} tasks
 * @returns {string[]}
 */
export function taskIdsOf(taskId, tasks) {
  if (tasks === 1) return [taskId];
  return Array.from({ length: tasks }, (_, index) => `${taskId}-${index}`);
}
