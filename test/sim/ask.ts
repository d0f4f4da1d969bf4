/** Asks the store of a world, while the world goes on. */
import type { World } from "./world.js";

const ANSWER_MS = 1_000;

/** Lets the world go on until the store has answered, without a network between. */
export async function ask<T>({ timeline }: World, work: () => Promise<T>): Promise<T> {
  let outcome: { value: T } | { error: unknown } | null = null;
  timeline.in(0, () => {
    work().then(
      (value) => {
        outcome = { value };
      },
      (error: unknown) => {
        outcome = { error };
      },
    );
  });
  await timeline.run(timeline.now + ANSWER_MS, () => outcome !== null);
  const settled = outcome as { value: T } | { error: unknown } | null;
  if (settled === null) throw new Error("the observer got no answer");
  if ("error" in settled) throw settled.error;
  return settled.value;
}
