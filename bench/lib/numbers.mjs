/** What many measurements come to: medians, percentiles, spread. */

/**
 * @param {readonly number[]} values
 * @returns {number[]}
 */
const sorted = (values) => [...values].sort((a, b) => a - b);

/**
 * The value that `share` of all values do not exceed (nearest rank).
 * @param {readonly number[]} values
 * @param {number} share 0 to 1
 */
export function percentile(values, share) {
  const order = sorted(values);
  return order[Math.max(0, Math.ceil(share * order.length) - 1)] ?? Number.NaN;
}

/** @param {readonly number[]} values */
export function median(values) {
  const order = sorted(values);
  const middle = order.length >> 1;
  const upper = order[middle] ?? Number.NaN;
  return order.length % 2 === 1 ? upper : ((order[middle - 1] ?? Number.NaN) + upper) / 2;
}

/**
 * How far the rounds lie apart: (largest - smallest) / median.
 * @param {readonly number[]} values
 */
export function spread(values) {
  if (values.length < 2) return 0;
  return (Math.max(...values) - Math.min(...values)) / median(values);
}

/** Ms by a clock that all processes of this machine share and that never jumps. */
export function nowMs() {
  return Number(process.hrtime.bigint()) / 1e6;
}
