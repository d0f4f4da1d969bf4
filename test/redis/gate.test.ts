/** A gate lets so many through, whatever becomes of them. */
import { expect, test } from "vitest";
import { Gate } from "../../src/store/redis/gate.js";

test("so many pieces of work go on at once, in turn, also after one that fails", async () => {
  const gate = new Gate(2);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const all = [0, 1, 2, 3].map((n) =>
    gate.through(async () => {
      begun.push(n);
      await new Promise<void>((resolve, reject) => {
        ends[n] = n === 0 ? () => reject(new Error("it fails")) : resolve;
      });
      return n;
    }),
  );
  expect(begun).toEqual([0, 1]);
  ends[0]!();
  await expect(all[0]).rejects.toThrow("it fails");
  expect(begun).toEqual([0, 1, 2]);
  ends[2]!();
  expect(await all[2]).toBe(2);
  expect(begun).toEqual([0, 1, 2, 3]);
  ends[1]!();
  ends[3]!();
  expect(await Promise.all([all[1], all[3]])).toEqual([1, 3]);
  expect(await gate.through(async () => "free")).toBe("free");
});
