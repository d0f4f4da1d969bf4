/** What a simulated server needs of the store that it is made of. */
import type { Chance } from "../../src/chance.js";
import type { Clock } from "../../src/clock.js";
import type { Store } from "../../src/store/contract.js";

export interface BackendParts {
  /** The server's own, which faults move. */
  clock: Clock;
  chance: Chance;
}

export interface Backend {
  /** The store as the scheduler of this identity has it open on the server. */
  store(identity: string): Store;
  /** What has been written so far survives everything but a wipe. */
  sync(): void;
  /** It starts again; `forgets`: what was written since the last sync is gone. */
  restart(forgets: boolean): void;
  /** All data are gone. */
  wipe(): void;
  /** What is not as it has to be, looked at from inside. */
  invariants(): string[];
  close(): void;
}

export type BackendMaker = (parts: BackendParts) => Backend;
