/** What comes and goes: nothing is lost or doubled, whatever the order of leaving. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Bag } from "../../src/core/bag.js";
import { Line } from "../../src/loops/line.js";

test("a bag holds what was added and not removed, in any order of adding and removing", () => {
  const steps = fc.array(fc.record({ add: fc.boolean(), which: fc.nat() }), { maxLength: 200 });
  fc.assert(
    fc.property(steps, (all) => {
      const bag = new Bag<{ at: number }>();
      const inside: { at: number }[] = [];
      for (const { add, which } of all) {
        if (add || inside.length === 0) {
          const item = { at: -1 };
          bag.add(item);
          inside.push(item);
        } else {
          const [item] = inside.splice(which % inside.length, 1);
          expect(bag.remove(item!)).toBe(true);
          expect(bag.remove(item!)).toBe(false);
        }
        expect(new Set(bag)).toEqual(new Set(inside));
        expect(bag.size).toBe(inside.length);
      }
    }),
  );
});

test("a line gives what was added in that order, however it grows and empties", () => {
  const step = fc.constantFrom("add", "add", "take", "takeAll");
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const line = new Line<number>();
      let expected: number[] = [];
      let next = 1;
      for (const one of steps) {
        if (one === "add") {
          line.add(next);
          expected.push(next);
          next += 1;
        } else if (one === "take") {
          expect(line.take()).toBe(expected.shift());
        } else {
          expect(line.takeAll()).toEqual(expected);
          expected = [];
        }
        expect(line.length).toBe(expected.length);
        expect(line.first).toBe(expected[0]);
      }
    }),
  );
});
