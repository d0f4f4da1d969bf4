/**
 * Errors of the client library without the words that were sent: it hangs the whole command on
 * each of them, with passwords and payloads, and some servers quote it.
 */

/** Of the server's own text, where it begins to quote: `unknown command 'x', with args …`. */
const QUOTED = /,? with args beginning with:.*$/s;

/** The same error, since others may look at what it is; anything else is left as it is. */
export function bareError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if ("command" in error) Reflect.deleteProperty(error, "command");
  if (QUOTED.test(error.message)) {
    error.message = error.message.replace(QUOTED, "");
    if (error.stack !== undefined) error.stack = error.stack.replace(/^.*?(?=\n {4}at |$)/s, "");
  }
  return error;
}
