/**
 * The end of an attempt that must not begin, since its job may be somebody else's by now: the
 * deputy hands it back, or it was claimed or handed over too long ago.
 */
import type { SettleOutcome } from "../../store/contract.js";

/**
 * Told to the store all the same: the deputy may not have come to it. A settle by a lease that does
 * not hold the job any more changes nothing, and "lost" is then no loss.
 */
export const TAKEN: SettleOutcome = Object.freeze({ kind: "handBack" });
