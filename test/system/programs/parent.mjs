/** The line between a program and the test that started it. */

/** A program that a test forgot would be worse than one that ends too early. */
process.on("disconnect", () => process.exit(1));
// To listen for it must not keep the process alive: when a program ends is what tests look at.
process.channel?.unref();

/**
 * What the test wants this program to do.
 * @template Config
 * @returns {Config}
 */
export function orders() {
  return JSON.parse(process.argv[2] ?? "{}");
}

/**
 * Tells the test something.
 * @param {string} type
 * @param {object} [more]
 */
export function tell(type, more) {
  process.send?.({ type, ...more });
}

/**
 * Calls `act` for each word of the test; waiting for one keeps no process alive.
 * @param {(word: string) => unknown} act
 */
export function onWord(act) {
  process.on("message", act);
  process.channel?.unref();
}
