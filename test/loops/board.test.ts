/** The board that the main thread and its deputy share: what one writes, the other sees. */
import { describe, expect, test } from "vitest";
import { Board, BoardView } from "../../src/loops/deputy/board.js";
import { jobs, lease } from "./deputy-words.js";

describe("the board", () => {
  test("shows each held lease with all its digits, and none that was released", () => {
    const board = new Board(() => {});
    const fences = Array.from({ length: 200 }, (_, k) => String(9_007_199_254_740_000 + k));
    const places = fences.map((fence) => board.hold(lease({ fence })));
    const view = new BoardView(board.memory);
    const shown = () => view.leases({ takes: false }).map(({ fence }) => fence);
    expect(shown().sort()).toEqual(fences);
    for (const place of places.slice(1)) board.release(place);
    expect(shown()).toEqual(fences.slice(0, 1));
    expect(view.isEmpty).toBe(false);
    board.release(places[0]!);
    expect(view.isEmpty).toBe(true);
  });

  test("gives each job to one of the two, whoever comes first", () => {
    for (const count of [1, 31, 32, 33, 64, 99, 100]) {
      const board = new Board(() => {});
      const place = board.hold(lease({ jobs: jobs(count) }));
      const view = new BoardView(board.memory);
      const begun = jobs(count).filter((_, k) => k % 3 === 0 && board.mayBegin(place, k));
      const [first] = view.leases({ takes: true });
      const rest = jobs(count).filter((_, k) => k % 3 !== 0);
      expect(begun).toHaveLength(count - rest.length);
      expect(first?.taken).toEqual(rest.map((job) => job.number));
      for (let k = 0; k < count; k += 1) expect(board.mayBegin(place, k)).toBe(false);
      expect(view.leases({ takes: true })[0]?.taken).toEqual([]);
    }
  });

  test("a place is used again only when nobody reads it, even if the reader has died", () => {
    const board = new Board(() => {});
    const place = board.hold(lease());
    // What a reader does first, and never ends.
    const ints = new Int32Array(board.memory.sheets[0]!);
    const stride = ints.length / 64;
    const state = Array.from({ length: 64 }, (_, k) => k).findIndex(
      (k) => ints[Math.floor(k * stride)] === 1,
    );
    expect(state).toBe(0);
    Atomics.store(ints, 0, 2);
    board.release(place);
    expect(board.hold(lease())).not.toBe(place);
    board.deputyDied();
    expect(board.hold(lease())).toBe(place);
  });
});
