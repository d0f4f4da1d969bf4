/** The one wait in these tests that is for time to pass: while a fault lasts. */
import { until } from "../../support/until.js";

/** How long a fault lasts is what is tested; nothing else is waited for like this. */
export async function lasting(ms: number): Promise<void> {
  const begunAt = performance.now();
  await until(`${ms} ms`, () => performance.now() - begunAt >= ms, ms + 5_000);
}
