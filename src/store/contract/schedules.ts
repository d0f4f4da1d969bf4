/** What `register` and `fire` take and answer. */
import type { NewJob } from "./push.js";

export interface RegisterArgs {
  schedules: readonly {
    scheduleId: string;
    taskId: string;
    /** JSON text; two texts that differ are two definitions. */
    definition: string;
    /** The first occurrence after now by this definition, epoch ms; null: it has none. */
    firstAt: number | null;
  }[];
}

export interface RegisterAnswer {
  scheduleId: string;
  /** `conflict`: the schedule belongs to another task; nothing was written. */
  outcome: "added" | "changed" | "unchanged" | "conflict";
  revision: number;
  nextAt: number | null;
}

export interface FireArgs {
  taskId: string;
  scheduleId: string;
  /** What the caller saw. */
  revision: number;
  seenAt: number;
  /** The next cursor; null: the schedule has come to its end. */
  nextAt: number | null;
  jobs: readonly NewJob[];
}
