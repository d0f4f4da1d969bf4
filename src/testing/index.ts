/** For tests of programs that use the library; exports only. */
export { createTestClock, type TestClock } from "./clock.js";
export { type Simulated, type SimulateOptions, simulate } from "./simulate.js";
export { createTestWorld, type TestWorld } from "./world.js";
