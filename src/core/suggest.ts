/** Finds the word that somebody probably meant. */

/** Longer words are never compared: nobody mistypes them, and comparing costs their square. */
const LONGEST_WORD = 64;

/** The candidate nearest to `word`, if it is near enough to be meant. */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length === 0 || word.length > LONGEST_WORD) return undefined;
  const wanted = word.toLowerCase();
  const mostEdits = word.length <= 4 ? 1 : Math.floor(word.length / 3);
  let best: string | undefined;
  let fewest = mostEdits + 1;
  for (const candidate of candidates) {
    if (candidate.length > LONGEST_WORD) continue;
    const edits = editsBetween(wanted, candidate.toLowerCase());
    if (edits < fewest) {
      best = candidate;
      fewest = edits;
    }
  }
  return best;
}

/** A fix that names the nearest candidate, or all of them when there are few. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const meant = closest(word, candidates);
  if (meant !== undefined) return `did you mean "${meant}"?`;
  return `use one of ${candidates.join(", ")}`;
}

/** Insertions, deletions, replacements and swaps of neighbours that make `a` into `b`. */
function editsBetween(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let edits = Math.min(
        last[column]! + 1,
        current[column - 1]! + 1,
        last[column - 1]! + (same ? 0 : 1),
      );
      const swapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped && row > 1 && column > 1) edits = Math.min(edits, beforeLast[column - 2]! + 1);
      current.push(edits);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length]!;
}
