/** The account of the lines: of plain jobs of one task the first is claimed first. */

export class Lines {
  readonly #broken: (what: string, at: number) => void;
  /** Those of each task that wait, never claimed. */
  readonly #lines = new Map<string, string[]>();

  constructor(broken: (what: string, at: number) => void) {
    this.#broken = broken;
  }

  joins(taskId: string, id: string): void {
    this.#lineOf(taskId).push(id);
  }

  /** `at`: claimed then, which only the first in line may be. */
  leaves(taskId: string, id: string, at: number | null = null): void {
    const line = this.#lineOf(taskId);
    const place = line.indexOf(id);
    if (place === -1) return;
    if (place > 0 && at !== null) {
      this.#broken(`${taskId} ${id} was claimed before ${line[0]}`, at);
    }
    line.splice(place, 1);
  }

  #lineOf(taskId: string): string[] {
    let line = this.#lines.get(taskId);
    if (line === undefined) {
      line = [];
      this.#lines.set(taskId, line);
    }
    return line;
  }
}
