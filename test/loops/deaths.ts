/** How tests of the loops let schedulers die. */
import type { Handler } from "../../src/types.js";
import type { Member, Scene } from "./scene.js";

export const LEASE_MS = 10_000;
const never: Handler = () => new Promise(() => {});

/** A scheduler that claims what there is and is never heard of again: its process died. */
export async function claimAndDie(scene: Scene): Promise<void> {
  const dying = await scene.member({ bind: { t: never } });
  await dying.work();
}

/** Lets the leases of the dead run out, as a living scheduler sees it. */
export async function letLeaseEnd(scene: Scene, living: Member): Promise<void> {
  for (let passedMs = 0; passedMs <= LEASE_MS; passedMs += 2_500) {
    await living.engine.watch.step();
    await scene.clock.advance(2_500);
  }
  await living.engine.watch.step();
}
