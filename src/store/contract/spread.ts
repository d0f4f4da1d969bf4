/** What a store says of tasks that are spread over several of its shards. */

export interface SpreadWish {
  taskId: string;
  /** Over how many; null: as others have fixed it. */
  over: number | null;
}

export interface SpreadAnswer {
  taskId: string;
  /** In force; 1: the task lives in its home alone. */
  over: number;
  /**
   * - `agreed`: it is as wished, or nothing was wished
   * - `other`: another number was fixed before
   * - `used`: jobs with ids of their callers were stored before, and would be looked for elsewhere
   */
  outcome: "agreed" | "other" | "used";
  /** Of `other`: what was in force when it was asked last; the store has lost that. */
  before?: number;
}

export interface Spreads {
  /** Over how many shards a task is spread, as far as is known; 1: it lives in its home alone. */
  over(taskId: string): number;
  /**
   * Fixes over how many shards tasks are spread, where nobody has done so, and learns what is in
   * force; one atomic step for each task. Answers in the order of the wishes. Rejects at once when
   * a home is away.
   */
  fix(wishes: readonly SpreadWish[]): Promise<SpreadAnswer[]>;
}
