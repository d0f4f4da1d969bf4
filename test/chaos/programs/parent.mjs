/** The line between a program and the controller that started it. */

// A program that its controller forgot would be worse than one that ends too early.
process.on("disconnect", () => process.exit(1));
process.channel?.unref();

/**
 * What the controller wants this program to do.
 * @template Config
 * @returns {Config}
 */
export function orders() {
  return JSON.parse(process.argv[2] ?? "{}");
}

/** @param {string} type */
export function tell(type) {
  // The controller may be gone, or this process may have been stopped for long: then nobody hears.
  process.send?.({ type }, undefined, undefined, () => {});
}

/** @param {(word: string) => unknown} act called for each word of the controller */
export function onWord(act) {
  process.on("message", act);
  process.channel?.unref();
}
