/** Makes a failing world smaller: takes out faults, halves first, as long as it still fails. */
import type { Fault } from "./faults.js";

/**
 * The least that still fails, as far as taking out pieces finds it; `fails` is asked at most
 * `tries` times.
 */
export async function shrink(
  faults: readonly Fault[],
  fails: (faults: readonly Fault[]) => Promise<boolean>,
  tries = 60,
): Promise<Fault[]> {
  let rest = [...faults];
  let left = tries;
  let piece = Math.ceil(rest.length / 2);
  while (piece >= 1 && rest.length > 0 && left > 0) {
    let isSmaller = false;
    for (let from = 0; from < rest.length && left > 0; ) {
      const without = [...rest.slice(0, from), ...rest.slice(from + piece)];
      left -= 1;
      if (await fails(without)) {
        rest = without;
        isSmaller = true;
      } else {
        from += piece;
      }
    }
    if (piece === 1 && !isSmaller) break;
    piece = piece === 1 ? 1 : Math.ceil(piece / 2);
  }
  return rest;
}
