/**
 * Parts of bundles: jobs that were pushed together have numbers of the same first 14 digits, and
 * are named by these, the first and the last of them. See PROTOCOL.md, Bundles.
 */
const BUNDLE_SIZE = 14;
const SLICE_SIZE = 20;

const LAST_TWO: readonly string[] = Array.from({ length: 100 }, (_, k) =>
  String(k).padStart(2, "0"),
);

/** The numbers of a lease, which are joined by spaces or are a part of a bundle. */
export function numbersIn(text: string): string[] {
  if (text.length !== SLICE_SIZE) return text.split(" ");
  const bundle = text.slice(0, BUNDLE_SIZE);
  const first = Number(text.slice(15, 17));
  const last = Number(text.slice(18));
  const numbers: string[] = [];
  for (let place = first; place <= last; place += 1) numbers.push(bundle + LAST_TWO[place]);
  return numbers;
}

/**
 * How a settle names rising numbers: as the part of a bundle that they are, by their last two
 * digits if they are in one, else joined by spaces.
 */
export function joinedOf(numbers: readonly string[]): string {
  const first = numbers[0] ?? "";
  const bundle = first.slice(0, BUNDLE_SIZE);
  const last = numbers.at(-1) ?? "";
  if (!last.startsWith(bundle)) return numbers.join(" ");
  const from = first.slice(BUNDLE_SIZE);
  const to = last.slice(BUNDLE_SIZE);
  const isWhole = Number(to) - Number(from) === numbers.length - 1 && doRise(numbers);
  if (isWhole) return `${bundle}:${from}-${to}`;
  let text = `${bundle}:`;
  for (const number of numbers) text += number.slice(BUNDLE_SIZE);
  return text;
}

function doRise(numbers: readonly string[]): boolean {
  for (let k = 1; k < numbers.length; k += 1) {
    if (numbers[k - 1]! >= numbers[k]!) return false;
  }
  return true;
}
