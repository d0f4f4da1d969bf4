/** What a deputy needs of a store: see loops/deputy. Its connection is its own. */
import type { RenewArgs, Renewed } from "./watch.js";

/** Jobs of one lease that did not begin. */
export interface HandBack {
  fence: string;
  taskId: string;
  shard?: number;
  numbers: readonly string[];
}

export interface DeputyStore {
  /** As the verb of the same name. */
  renew(args: RenewArgs): Promise<Renewed>;
  /** To the front of the line, no attempt spent; what the lease does not hold is left alone. */
  handBack(batches: readonly HandBack[]): Promise<void>;
  close(): Promise<void>;
}
