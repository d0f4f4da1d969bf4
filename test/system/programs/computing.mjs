/** A handler file: does what its data say, in a thread of its own. */
import { threadId } from "node:worker_threads";
import { NonRetryableError } from "schedule-mq";
import { note } from "./journal.mjs";

/**
 * `spin` never yields, `wait` waits for its signal, `tell` says what it was given; a number is a
 * time to compute in ms.
 * @typedef {"spin" | "wait" | "exit" | "throw" | "throw uncopied" | "throw textless" | "reject"
 *   | "tell" | number} Word
 * @typedef {{ journal: string, deed: Word }} Deed
 */

/**
 * @param {Deed} data
 * @param {import("schedule-mq").HandlerContext} context
 */
export default async function compute({ journal, deed }, context) {
  note(journal, "start", context, { name: `thread ${threadId}` });
  if (typeof deed === "number") {
    const endAt = performance.now() + deed;
    while (performance.now() < endAt);
  }
  if (deed === "spin") for (;;);
  if (deed === "exit") process.exit(3);
  if (deed === "throw") throw new TypeError("thrown there");
  // What cannot be copied to another thread.
  if (deed === "throw uncopied") throw Object.assign(new Error(), { message: () => {} });
  if (deed === "throw textless") throw Object.create(null);
  if (deed === "reject") throw new NonRetryableError("no use");
  if (deed === "wait") {
    const { signal } = context;
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    note(journal, "abort", context, { reason: signal.reason.code });
  }
  if (deed === "tell") {
    context.progress({ at: "half" });
    context.log("from the thread", { n: 1 });
  }
  note(journal, "end", context, {});
  return { by: threadId, attempt: context.attempt };
}
