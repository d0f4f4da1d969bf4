/** Which definition is in force: the words of the design, over random histories. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  inForce,
  MOST_OFFERS,
  MOST_SETS_PER_OFFER,
  noteOffer,
  type Offer,
} from "../../../src/core/schedule/in-force.js";

const all = (): boolean => true;
const none = (): boolean => false;

function offersOf(...digests: string[]): Offer[] {
  let offers: Offer[] = [];
  for (const digest of digests) {
    offers = noteOffer(offers, { digest, set: `set-${digest}`, generation: null }, all).offers;
  }
  return offers;
}

describe("the definition in force", () => {
  it("is the newest that is live; without any, the last one stays", () => {
    const offers = offersOf("old", "new");
    expect(inForce(offers, "old", all)).toBe("new");
    expect(inForce(offers, "new", (set) => set === "set-old")).toBe("old");
    expect(inForce(offers, "new", none)).toBe("new");
    expect(inForce([], null, all)).toBeNull();
  });

  it("an old one that comes back keeps its generation, and does not flip it back", () => {
    const offers = offersOf("old", "new", "old");
    expect(offers.map(({ digest, generation }) => [digest, generation])).toEqual([
      ["old", 1],
      ["new", 2],
    ]);
    expect(inForce(offers, "new", all)).toBe("new");
  });

  it("a generation that is known survives a store that has forgotten it", () => {
    const first = noteOffer([], { digest: "new", set: "s", generation: 7 }, all);
    expect(first.generation).toBe(7);
    const then = noteOffer(first.offers, { digest: "old", set: "t", generation: 6 }, all);
    expect(inForce(then.offers, "new", all)).toBe("new");
    const fresh = noteOffer(then.offers, { digest: "newest", set: "u", generation: null }, all);
    expect(fresh.generation).toBe(8);
  });

  it("of two with the same generation the incumbent stays", () => {
    const one = noteOffer([], { digest: "a", set: "s", generation: 3 }, all).offers;
    const { offers } = noteOffer(one, { digest: "b", set: "t", generation: 3 }, all);
    expect(inForce(offers, "a", all)).toBe("a");
    expect(inForce(offers, "b", all)).toBe("b");
  });

  it("what is remembered is bounded; dead sets leave first", () => {
    const digests = Array.from({ length: 30 }, (_, n) => `d${n}`);
    expect(offersOf(...digests).map(({ digest }) => digest)).toEqual(digests.slice(-MOST_OFFERS));
    let offers: Offer[] = [];
    for (let n = 0; n <= MOST_SETS_PER_OFFER; n += 1) {
      const given = { digest: "d", set: `s${n}`, generation: null };
      offers = noteOffer(offers, given, (set) => set !== "s5").offers;
    }
    expect(offers[0]?.sets).toHaveLength(MOST_SETS_PER_OFFER);
    expect(offers[0]?.sets).not.toContain("s5");
    expect(offers[0]?.sets).toContain("s0");
  });

  it("only ever moves to a live one of the highest generation, whatever happens", () => {
    const step = fc.record({
      digest: fc.constantFrom("a", "b", "c"),
      set: fc.constantFrom(1, 2, 3),
    });
    const live = fc.uniqueArray(fc.constantFrom(1, 2, 3));
    fc.assert(
      fc.property(fc.array(fc.tuple(step, live), { minLength: 1 }), (history) => {
        let offers: Offer[] = [];
        let current: string | null = null;
        for (const [{ digest, set }, sets] of history) {
          const isLive = (each: string): boolean => sets.some((live) => `${live}` === each);
          offers = noteOffer(offers, { digest, set: `${set}`, generation: null }, isLive).offers;
          const next = inForce(offers, current, isLive);
          const alive = offers.filter((offer) => offer.sets.some(isLive));
          const highest = Math.max(...alive.map(({ generation }) => generation));
          const best = alive.find(({ generation }) => generation === highest);
          expect(next).toBe(best?.digest ?? current);
          current = next;
        }
      }),
      { seed: 7 },
    );
  });
});
