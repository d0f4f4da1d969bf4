/** Faults are drawn by chance, but none is left out by it. */
import { expect, test } from "vitest";
import { Chance } from "./kit/chance.js";
import { SCENARIOS } from "./scenarios.js";

test.each([1, 2, 3, 4, 5])(
  "each fault of a scenario comes before any comes again (seed %i)",
  (seed) => {
    for (const { name, strikes } of SCENARIOS.filter((one) => one.strikes.length > 0)) {
      const deck = new Chance(seed).deck(strikes);
      const drawn = strikes.map((_, n) => {
        expect(deck.isThrough(), `${name}, after ${n}`).toBe(false);
        return deck.next();
      });
      expect(new Set(drawn), name).toEqual(new Set(strikes));
      expect(deck.isThrough(), name).toBe(true);
      expect(strikes, name).toContain(deck.next());
    }
  },
);

test("another seed draws in another order", () => {
  const order = (seed: number) => {
    const deck = new Chance(seed).deck([1, 2, 3, 4, 5, 6, 7, 8]);
    return Array.from({ length: 8 }, () => deck.next()).join(" ");
  };
  expect(order(1)).toBe(order(1));
  expect(new Set([1, 2, 3, 4].map(order)).size).toBe(4);
});
