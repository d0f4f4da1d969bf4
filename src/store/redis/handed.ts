/** The message by which a push hands a job to a sleeper: lease and record at once. */
import type { HandedBatch } from "../contract.js";
import { decodeClaimed } from "./codec.js";

/** `<fence> <number> <bytes of the task>:<task><record>`; null: not that. */
export function decodeHanded(shard: number, text: string): HandedBatch | null {
  const match = /^(\d{16}) (\d{16}) (\d{1,6}):/.exec(text);
  if (match === null) return null;
  const [head, fence = "", number = "", length] = match;
  // The length is in bytes, as the server counts.
  const rest = Buffer.from(text.slice(head.length));
  const taskId = rest.toString("utf8", 0, Number(length));
  const record = rest.toString("utf8", Number(length));
  if (!record.includes("\n")) return null;
  return { fence, taskId, shard, jobs: [decodeClaimed({ shard, number, record, counts: "" })] };
}
