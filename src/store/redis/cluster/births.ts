/** Of each shard: which data it had when it was opened last, and on which run of which node. */
export class Births {
  readonly #born = new Map<number, string>();
  readonly #runs = new Map<number, string>();

  /** `emptied`: it has other data than before; `isOther`: or is on another run. */
  compare(
    shard: number,
    { born, runId }: { born: string; runId: string },
  ): { emptied: boolean; isOther: boolean } {
    const emptied = changed(this.#born, shard, born);
    return { emptied, isOther: emptied || changed(this.#runs, shard, runId) };
  }

  note(shard: number, { born, runId }: { born: string; runId: string }): void {
    this.#born.set(shard, born);
    this.#runs.set(shard, runId);
  }
}

/** Known before, and another one now. */
function changed(known: ReadonlyMap<number, string>, shard: number, value: string): boolean {
  const before = known.get(shard);
  return before !== undefined && before !== value;
}
