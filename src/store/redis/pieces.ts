/** Which plain jobs are stored as bundles, one record for many: see PROTOCOL.md, Bundles. */

/** Their numbers differ in the last two digits only. */
const MOST_BUNDLED = 100;
/** What a claim of a part of it reads. */
const MOST_BYTES = 16 * 1024;
/** Fewer are stored one by one: a bundle costs as much as some jobs. */
const LEAST_BUNDLED = 8;

/** One bundle. */
export interface Piece {
  count: number;
  /** The records, joined by NUL, which JSON has none of. */
  text: string;
  /** Of each record; 0: they differ. */
  size: number;
}

/** The records as bundles; null: they are too few, or too large. */
export function piecesOf(
  records: readonly string[],
  least: number = LEAST_BUNDLED,
): Piece[] | null {
  if (records.length < least) return null;
  const pieces: Piece[] = [];
  let piece: Piece | undefined;
  for (const record of records) {
    const { length } = record;
    if (length > MOST_BYTES) return null;
    if (
      piece === undefined ||
      piece.count === MOST_BUNDLED ||
      piece.text.length + length > MOST_BYTES
    ) {
      piece = { count: 1, text: record, size: length };
      pieces.push(piece);
    } else {
      piece.text += `\0${record}`;
      piece.count += 1;
      if (piece.size !== length) piece.size = 0;
    }
  }
  return records.length < least * pieces.length ? null : pieces;
}
