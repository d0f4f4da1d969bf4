/** Records as texts, of which none depends on those before; due times as texts. */
import { expect, test } from "vitest";
import { decodeDue, decodeRecord, encodeDue } from "../../src/store/redis/codec.js";

test("a record without a head, which no client of ours writes, spoils no other", () => {
  expect(decodeRecord('{"r":3}\n1').head.rules.retry?.attempts).toBe(3);
  expect(decodeRecord("oops")).toMatchObject({ head: { rules: { retry: null } }, payload: "oops" });
  expect(decodeRecord('{"r":3}\n{"a":1}').payload).toBe('{"a":1}');
  expect(decodeRecord('{"r":3}\n{"a":1}').head.rules.retry?.attempts).toBe(3);
});

test("a job is never told to be due later than it may begin", () => {
  expect(decodeDue("1790000000000.400")).toBe(1_790_000_000_000);
  expect(decodeDue("1790000000000.999")).toBe(1_790_000_000_000);
  expect(decodeDue("")).toBe(null);
});

test("a part of a ms is no less of a wait", () => {
  expect(encodeDue({ due: { in: 5_000.25 } })).toBe("+5001");
});
