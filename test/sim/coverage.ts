/** How often each fault hit each state: one that never did has tested nothing. */

export class Coverage {
  readonly #hits = new Map<string, Map<string, number>>();

  note(fault: string, state: string, count = 1): void {
    const row = this.#hits.get(fault) ?? new Map<string, number>();
    row.set(state, (row.get(state) ?? 0) + count);
    this.#hits.set(fault, row);
  }

  add(other: Coverage): void {
    for (const [fault, row] of other.#hits) {
      for (const [state, count] of row) this.note(fault, state, count);
    }
  }

  hits(fault: string, state?: string): number {
    const row = this.#hits.get(fault);
    if (row === undefined) return 0;
    if (state !== undefined) return row.get(state) ?? 0;
    return [...row.values()].reduce((sum, count) => sum + count, 0);
  }

  /** For people: a row for each fault, a column for each state. */
  table(): string {
    const states = [...new Set([...this.#hits.values()].flatMap((row) => [...row.keys()]))].sort();
    const rows = [...this.#hits.keys()]
      .sort()
      .map((fault) => [fault, ...states.map((state) => String(this.hits(fault, state) || "·"))]);
    const all = [["", ...states], ...rows];
    const widths = all[0]!.map((_, n) => Math.max(...all.map((row) => row[n]!.length)));
    return all
      .map((row) =>
        row
          .map((cell, n) => pad(cell, widths[n]!, n === 0))
          .join("  ")
          .trimEnd(),
      )
      .join("\n");
  }

  toJSON(): Record<string, Record<string, number>> {
    return Object.fromEntries(
      [...this.#hits].map(([fault, row]) => [fault, Object.fromEntries(row)]),
    );
  }
}

function pad(cell: string, width: number, isFirst: boolean): string {
  return isFirst ? cell.padEnd(width) : cell.padStart(width);
}
