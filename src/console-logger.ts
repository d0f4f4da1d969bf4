/** The logger when none is given: one line each on stderr; and a coat for those that throw. */
import type { Logger } from "./core/logger.js";

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };

const CONSOLE: Logger = {
  debug() {},
  info: (fields, message) => write("info", fields, message),
  warn: (fields, message) => write("warn", fields, message),
  error: (fields, message) => write("error", fields, message),
};

/** The logger to use for what was given as option `logger`; it never throws. */
export function loggerOf(given: Logger | false | undefined): Logger {
  if (given === false) return SILENT;
  if (given === undefined) return CONSOLE;
  const call =
    (level: keyof Logger): Logger["info"] =>
    (fields, message) => {
      try {
        given[level](fields, message);
      } catch {
        // A logger that throws has nowhere left to be told.
      }
    };
  return { debug: call("debug"), info: call("info"), warn: call("warn"), error: call("error") };
}

function write(level: string, fields: object, message: string): void {
  process.stderr.write(`schedule-mq ${level}: ${message}${shown(fields)}\n`);
}

function shown(fields: object): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) parts.push(`${name}=${textOf(value)}`);
  }
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`;
}

function textOf(value: unknown): string {
  if (value instanceof Error) return value.message;
  if (typeof value === "string") return value;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return "something that cannot be shown";
  }
}
