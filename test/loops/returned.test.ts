/** Claims about handlers that return no promise: when their attempts end, and in which order. */
import { afterEach, expect, test, vi } from "vitest";
import { endsSoon, mayBePromise } from "../../src/loops/returned.js";

afterEach(() => void vi.restoreAllMocks());

/** Runs what was to run in a microtask when it is told to. */
function held(): { asked: () => number; run: () => void } {
  const waiting: (() => void)[] = [];
  vi.spyOn(globalThis, "queueMicrotask").mockImplementation((task) => void waiting.push(task));
  return { asked: () => waiting.length, run: () => waiting.shift()?.() };
}

test("they end after the code that began them, in order, all in one microtask", () => {
  const { asked, run } = held();
  const ended: string[] = [];
  const begin = (name: string, next?: string) =>
    endsSoon({
      endReturned: () => {
        ended.push(name);
        if (next !== undefined) begin(next);
      },
    });
  begin("a", "begun by a");
  begin("b");
  expect([ended, asked()]).toEqual([[], 1]);
  run();
  expect([ended, asked()]).toEqual([["a", "b", "begun by a"], 0]);
  begin("later");
  expect(asked()).toBe(1);
  run();
});

test("an end that throws does not keep the others from theirs", () => {
  const { asked, run } = held();
  const ended: string[] = [];
  const bad = () => {
    throw new Error("its own");
  };
  endsSoon({ endReturned: bad });
  for (const name of ["a", "b"]) endsSoon({ endReturned: () => void ended.push(name) });
  expect(run).toThrow("its own");
  expect([ended, asked()]).toEqual([[], 1]);
  run();
  expect(ended).toEqual(["a", "b"]);
});

test.each([
  [undefined, false],
  [null, false],
  [0, false],
  ["text", false],
  [{}, true],
  [Promise.resolve(), true],
  [() => {}, true],
])("%j may be a promise: %j", (value, expected) => {
  expect(mayBePromise(value)).toBe(expected);
});
