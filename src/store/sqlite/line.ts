/** The line of ready jobs: who stands in which lane, and is there anybody. */
import { ALONE_AFTER_CRASHES } from "../../core/job.js";

/** Ready jobs that anybody may take. */
export const COMMON_LANE = 0;
/** Ready jobs that must run alone. */
export const ALONE_LANE = 1;

export function laneOf(crashesInRow: number): number {
  return crashesInRow >= ALONE_AFTER_CRASHES ? ALONE_LANE : COMMON_LANE;
}
