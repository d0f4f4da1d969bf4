/** Tables for people: numbers to the right, as wide as they have to be. */

/**
 * @param {number} value
 * @param {number} digits
 */
export function number(value, digits) {
  return value.toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/**
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} rows the first cell of each is its name
 * @returns {string[]} lines
 */
export function table(head, rows) {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  /** @param {readonly string[]} row */
  const line = (row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join("  ")
      .trimEnd();
  return [line(head), widths.map((width) => "-".repeat(width)).join("  "), ...rows.map(line)];
}
