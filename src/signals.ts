/** SIGINT and SIGTERM, for schedulers that run until they are told to stop. */

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/**
 * Calls `stop` at the first signal; a second one ends the process, as it would have without this.
 * Returns the way to listen no more.
 */
export function onFirstSignal(stop: () => void): () => void {
  const forget = (): void => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
  const onSignal = (): void => {
    forget();
    stop();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return forget;
}
