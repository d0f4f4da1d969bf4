/** Answers the callers of a committed transaction, each as soon as what it was told will last. */
import { unsyncedError } from "./faults.js";
import type { Answer } from "./group.js";
import type { JournalSync } from "./sync.js";

interface Durability {
  /** null: what is committed is on the disk. */
  sync: JournalSync | null;
  /** The database, for people. */
  name: string;
  onUnsynced: (error: unknown) => void;
}

/** A call on no more jobs than this, alone in its transaction, is one that somebody waits for. */
const LONE_WEIGHT = 16;

export function answerAll(answers: readonly Answer[], durability: Durability): void {
  const { sync, name, onUnsynced } = durability;
  const waiting: Answer[] = [];
  for (const answer of answers) {
    if (sync !== null && answer.item.mode === "durable") waiting.push(answer);
    else resolve(answer);
  }
  if (sync === null || waiting.length === 0) return;
  const isLone = waiting.length === 1 && (waiting[0]?.item.weight ?? 0) <= LONE_WEIGHT;
  const tell = (cause: Error | null) => {
    if (cause === null) {
      for (const answer of waiting) resolve(answer);
      return;
    }
    const error = unsyncedError(name, cause);
    onUnsynced(error);
    for (const { item } of waiting) item.reject(error);
  };
  sync.after(tell, { isLone });
}

function resolve({ item, answer }: Answer): void {
  item.resolve(answer as never);
}
