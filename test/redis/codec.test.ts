/** Records as texts: what one of them is must not depend on those before. */
import { expect, test } from "vitest";
import { decodeRecord } from "../../src/store/redis/codec.js";

test("a record without a head, which no client of ours writes, spoils no other", () => {
  expect(decodeRecord('{"r":3}\n1').head.rules.retry?.attempts).toBe(3);
  expect(decodeRecord("oops")).toMatchObject({ head: { rules: { retry: null } }, payload: "oops" });
  expect(decodeRecord('{"r":3}\n{"a":1}').payload).toBe('{"a":1}');
  expect(decodeRecord('{"r":3}\n{"a":1}').head.rules.retry?.attempts).toBe(3);
});
