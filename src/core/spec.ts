/** What a new job is made of: what `push` and a fired occurrence hand to the store. */
import type { JobRules, Occurrence } from "./job.js";

export interface JobSpec {
  taskId: string;
  /** The caller's id; null: the store assigns one. */
  id: string | null;
  /** JSON text of the data, stored as it is; "" = no data. */
  payload: string;
  /** Ready now, `ms` from now, or at an instant (epoch ms), by the store's clock. */
  due: { in: number } | { at: number } | null;
  rules: JobRules;
  occurrence: Occurrence | null;
}
