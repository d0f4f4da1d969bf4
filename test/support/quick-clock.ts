/** Seconds pass in an instant for whoever has this clock. */
import { type Clock, systemClock } from "../../src/clock.js";

const QUICKER = 20;

export const QUICK: Clock = {
  ...systemClock,
  monotonic: () => systemClock.monotonic() * QUICKER,
  after: (ms, run, options) => systemClock.after(ms / QUICKER, run, options),
};
