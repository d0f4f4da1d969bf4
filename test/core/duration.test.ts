/** Lengths of time: every form that is taken, and that nothing else is. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDuration } from "../../src/core/duration.js";

const LENGTHS: [unknown, number][] = [
  [0, 0],
  [5000, 5_000],
  [0.2, 1],
  [1500.0000001, 1_500],
  ["0s", 0],
  ["500ms", 500],
  ["5s", 5_000],
  ["1.5h", 5_400_000],
  ["7d", 604_800_000],
  ["2w", 1_209_600_000],
  ["0.0001s", 1],
  ["4.35s", 4_350],
  ["1.1s", 1_100],
  ["PT5S", 5_000],
  ["PT0.5S", 500],
  ["PT1H30M", 5_400_000],
  ["P1DT12H", 129_600_000],
  ["P1W", 604_800_000],
  ["P0D", 0],
  ["36525d", 3_155_760_000_000],
];

const NONE: [unknown][] = [
  [""],
  ["5"],
  ["s"],
  ["5 s"],
  [" 5s"],
  ["5s "],
  ["5S"],
  ["-5s"],
  ["+5s"],
  ["1e3s"],
  ["0x10s"],
  ["5s5s"],
  ["1h30m"],
  [".5s"],
  ["5.s"],
  ["Infinitys"],
  ["NaNs"],
  ["٥s"],
  ["5toString"],
  ["5constructor"],
  ["P"],
  ["PT"],
  ["P1"],
  ["PT1"],
  ["P1Y"],
  ["P1DT"],
  ["PT1S1H"],
  ["p1d"],
  [Number.NaN],
  [Number.POSITIVE_INFINITY],
  [-1],
  [-0.001],
  [null],
  [true],
  [5n],
  [[5]],
  [{}],
  [() => 5],
  [Symbol("5s")],
  ["36526d"],
];

describe("a duration", () => {
  it.each(LENGTHS)("%j is %d ms", (given, ms) => {
    expect(parseDuration(given, "delay")).toBe(ms);
  });

  it.each(NONE)("%s is none", (given) => {
    expect(() => parseDuration(given, "delay")).toThrow("[DURATION_INVALID] delay");
  });

  it("is a whole number of ms, never less than what was said", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e12, noNaN: true }), (ms) => {
        const parsed = parseDuration(ms, "delay");
        expect(Number.isSafeInteger(parsed)).toBe(true);
        expect(parsed).toBeGreaterThanOrEqual(ms - 1e-6);
        expect(parsed).toBeLessThan(ms + 1);
      }),
    );
  });

  it("or nothing: text of any kind is parsed or refused", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.stringMatching(/^P?T?[\d.]{1,4}[a-zA-Z]{0,3}$/)),
        (text) => {
          try {
            expect(parseDuration(text, "delay")).toBeGreaterThanOrEqual(0);
          } catch (error) {
            expect(error).toMatchObject({ code: "DURATION_INVALID" });
          }
        },
      ),
    );
  });
});
