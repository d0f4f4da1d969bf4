/** What a shard needs of a connection: a way to the server that has its keys. */
import type { SchedulerError } from "../../core/errors.js";
import type { Script } from "./scripts.js";
import type { KeyGroups } from "./wire.js";

export interface RunArgs {
  verb: string;
  script: Script;
  keys: KeyGroups;
  args: readonly string[];
  waitMs?: number;
}

export interface Link {
  /** For people. */
  readonly address: string;
  /** Calls can be sent now, as far as is known. */
  readonly isThere: boolean;
  /** Resolves once calls can be sent; rejects when `waitMs` is over, or at the end. */
  whenReady(waitMs?: number): Promise<unknown>;
  /** Sends a call once; rejects with the client's own error. */
  evalsha(script: Script, keys: KeyGroups, args: readonly string[]): Promise<unknown>;
  /** Runs a script that may be repeated without harm; rejects with a `SchedulerError`. */
  run(args: RunArgs): Promise<unknown>;
  command(name: string, ...args: string[]): Promise<unknown>;
  translate(error: unknown, verb: string): SchedulerError;
  /** Why a call has not been sent. */
  unreachable(): SchedulerError;
  /** The server behind it is of no use now. */
  drop(reason: unknown): void;
}
