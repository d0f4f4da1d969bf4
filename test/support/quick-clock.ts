/** Five seconds pass in one for whoever has this clock: not so fast that a busy machine is late. */
import { type Clock, systemClock } from "../../src/clock.js";

const QUICKER = 5;

export const QUICK: Clock = {
  ...systemClock,
  monotonic: () => systemClock.monotonic() * QUICKER,
  after: (ms, run, options) => systemClock.after(ms / QUICKER, run, options),
};
