/** What `mend` takes and answers. */

/** What did not fit, by what it is about. */
export type MendKind =
  /** Leases that nothing would have ended, or that cannot be read. */
  | "leases"
  /** Jobs that run under no lease (they get one that nobody renews), or whose record is gone. */
  | "running"
  /** Jobs that neither run nor stand in line. */
  | "ready"
  /** Jobs that wait for no instant: due at once. */
  | "scheduled"
  /** Callers' ids that name no job, or that nobody would have forgotten. */
  | "ids"
  /** Ended jobs that no index names, and the other way round. */
  | "ended"
  /** Numbers that were wrong, or are nobody's. */
  | "counts"
  /** The task's next moment. */
  | "moments";

export interface MendArgs {
  taskId: string;
  /** At once; otherwise the fleet does one piece of a task a minute. */
  urgent: boolean;
  /** From the answer before; "": from the beginning. */
  place: string;
  /** Not urgent: these after it, as far as one piece goes and until something is found. */
  next?: readonly string[];
}

export interface Mended {
  /** How many of `next` were compared as well: what follows is about the last of them. */
  seen: number;
  /** Where to go on; "": this was the last piece. */
  place: string;
  mended: Partial<Record<MendKind, number>>;
}
