/** What independent observers write down while a world goes on: the library is never asked. */

/** One try to push. `unknown`: it may be stored or not. */
export interface Try {
  sentAt: number;
  /** The server's clock then. */
  storeSentAt: number;
  endedAt: number | null;
  end: "stored" | "refused" | "unknown";
}

export interface Pushed {
  key: string;
  taskId: string;
  retryOff: boolean;
  /** Tries in all; 0: as many as it takes. */
  attempts: number;
  delayMs: number;
  payload: string;
  tries: Try[];
  /** The public id, once it is known. */
  id: string | null;
  /** Somebody asked to cancel it. */
  isCancelled: boolean;
  /** Somebody asked to issue it again. */
  isRedriven: boolean;
}

export interface Run {
  /** Of the push or occurrence. */
  key: string;
  jobId: string;
  fence: number;
  attempt: number;
  machine: string;
  /** When the server gave it out; null: not seen. */
  claimedAt: number | null;
  startedAt: number;
  /** The server's clock then. */
  storeAt: number;
  /** null: it never ended, or not before its process died. */
  endedAt: number | null;
  end: "returned" | "false" | "thrown" | null;
  abortedAt: number | null;
  /** The data as the handler got them. */
  payload: string;
}

export interface Stop {
  machine: string;
  calledAt: number;
  resolvedAt: number | null;
  /** In which it has to resolve, ms. */
  withinMs: number;
}

/** What the store says of a job when all is over; null: it knows it no more. */
export type Final = { state: string; reason: string | null } | null;

export interface History {
  pushes: Pushed[];
  runs: Run[];
  stops: Stop[];
  /** When processes died. */
  deaths: Map<string, number>;
  /** Fences of leases that were taken back from their holders. */
  taken: Set<number>;
  /** Spans of which the server has forgotten everything: after `from`, up to `to`. */
  forgotten: { from: number; to: number }[];
  /** When the server's clock was set back. */
  setBack: number[];
  /** Occurrences that somebody asked for: some may have the same ms, and so the same name. */
  triggered: Set<string>;
  /** Schedules that were removed: what is made again under the same id has the same names. */
  removed: Set<string>;
  finals: Map<string, Final>;
  /** What should never be heard of: rejections nobody handles, errors of no known kind. */
  shocks: string[];
  /** What still had to be done when time was over. */
  undone: string[];
}

export function emptyHistory(): History {
  return {
    pushes: [],
    runs: [],
    stops: [],
    deaths: new Map(),
    taken: new Set(),
    forgotten: [],
    setBack: [],
    triggered: new Set(),
    removed: new Set(),
    finals: new Map(),
    shocks: [],
    undone: [],
  };
}
