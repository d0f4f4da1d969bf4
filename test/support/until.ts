/** Waiting in tests: for a condition, with a bound, never for a time to pass. */

type Something<T> = Exclude<T, null | undefined | false | 0 | "">;

/** Resolves as soon as `holds` answers something truthy; rejects with `what` after `timeoutMs`. */
export async function until<T>(
  what: string,
  holds: () => T | Promise<T>,
  timeoutMs = 5_000,
): Promise<Something<T>> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const answer = await holds();
    if (answer) return answer as Something<T>;
    if (performance.now() > end) throw new Error(`waited ${timeoutMs} ms in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** The answer of `promise`, or a rejection that says `what` was too slow. */
export async function within<T>(what: string, promise: Promise<T>, timeoutMs = 5_000): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no end after ${timeoutMs} ms: ${what}`)), timeoutMs);
  });
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
