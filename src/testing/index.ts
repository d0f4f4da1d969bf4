/** For tests of programs that use the library; exports only. */
export { createTestClock, type TestClock } from "./clock.js";
export { createTestWorld, type TestWorld } from "./world.js";
