/** What an account is kept of, and for whom. */
import type { RegisterOptions } from "../../src/types.js";
import type { Taken } from "./witness.js";

export interface AccountParts {
  broken: (invariant: string, what: string, at: number) => void;
  taken: (taken: Taken) => void;
  /** Schedules whose jobs never run beside each other. */
  serial: ReadonlySet<string>;
  /** Tasks some of whose jobs end, or begin to be, where nobody sees it. */
  vague: ReadonlySet<string>;
  /** The rules that programs register, by schedule id. */
  code: ReadonlyMap<string, readonly RegisterOptions[]>;
  /** The grain of the server's clock, ms. */
  grainMs: number;
}

export interface When {
  at: number;
  storeNow: number;
}

export interface Job {
  taskId: string;
  id: string;
  number: string;
  retryOff: boolean;
  /** The schedule whose jobs must not run beside each other; null: they may. */
  serial: string | null;
  /** null: nobody holds it. */
  fence: string | null;
  isEnded: boolean;
  /** Not to be claimed before, by the server's clock. */
  notBefore: number;
  /** How often it was claimed, not counting those that came back unbegun. */
  claims: number;
  /** Attempts that failed, and those whose lease was taken back. */
  failures: number;
  crashes: number;
}

export interface Lease {
  holder: string;
  leaseMs: number;
  renewedAt: number;
  /** How far the clock was moved since. */
  jumpedMs: number;
  /** False: handed over, and not heard of. */
  isConfirmed: boolean;
}
