/** What people see: one line per event. Colours only for a terminal that wants them. */
import { styleText } from "node:util";

/** @typedef {Parameters<typeof styleText>[0]} Style */

const { NO_COLOR = "", TERM = "" } = process.env;
const COLOURED = process.stdout.isTTY === true && NO_COLOR === "" && TERM !== "dumb";

/**
 * @param {Style} style
 * @param {string} text
 */
export function paint(style, text) {
  // Asked for with care above: this Node or a newer one must not decide otherwise.
  return COLOURED ? styleText(style, text, { validateStream: false }) : text;
}

/** @type {Record<string, Style>} */
const STYLES = { demo: "bold", "worker 1": "cyan", "worker 2": "magenta" };

/**
 * @param {number} at epoch ms
 * @param {string} who
 * @param {string} text
 */
export function event(at, who, text) {
  const time = new Date(at);
  const ms = String(time.getMilliseconds()).padStart(3, "0");
  const clock = `${time.toTimeString().slice(0, 8)}.${ms}`;
  const name = paint(STYLES[who] ?? "bold", who.padEnd(8));
  console.log(`${paint("dim", clock)}  ${name}  ${who === "demo" ? paint("bold", text) : text}`);
}

/** @param {string} text */
export function line(text = "") {
  console.log(text);
}
