/** Calls of scripts as bytes: what the server reads is what was given, however long it is. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeEvalsha } from "../../src/store/redis/wire.js";

/** The texts of a command, as a server that trusts its lengths reads them. */
function textsOf(encoded: string | Buffer): string[] {
  const bytes = Buffer.from(encoded);
  let at = 0;
  const line = (): string => {
    const end = bytes.indexOf("\r\n", at);
    const text = bytes.toString("latin1", at, end);
    at = end + 2;
    return text;
  };
  const texts: string[] = [];
  const count = Number(line().slice(1));
  for (let k = 0; k < count; k += 1) {
    const size = Number(line().slice(1));
    texts.push(bytes.toString("utf8", at, at + size));
    expect(bytes.toString("latin1", at + size, at + size + 2)).toBe("\r\n");
    at += size + 2;
  }
  expect(at).toBe(bytes.length);
  return texts;
}

/** UTF-8 has no half of a pair. */
function written(text: string): string {
  return Buffer.from(text).toString();
}

const KEYS = [["{sm}:a", "{sm}:é"], ["{sm}:t:ключ"]];

function expectRead(args: readonly string[]): string | Buffer {
  const encoded = encodeEvalsha("abc", KEYS, args);
  const keys = KEYS.flat();
  const all = ["EVALSHA", "abc", String(keys.length), ...keys, ...args].map(written);
  expect(textsOf(encoded)).toEqual(all);
  return encoded;
}

describe("a call of a script", () => {
  test("is read as it was given, whatever its texts and their lengths are", () => {
    const unit = fc.oneof(
      { weight: 6, arbitrary: fc.constant("x") },
      fc.constantFrom("é", "ł", "中", "🎈", "\ud800", "\0", "\r\n"),
    );
    const size = fc.constantFrom(0, 1, 100, 10_000, 33_000, 70_000);
    const arg = fc.tuple(fc.array(unit, { maxLength: 20 }), size, fc.boolean());
    fc.assert(
      fc.property(fc.array(arg, { maxLength: 8 }), (specs) => {
        // Joined, as records are.
        const args = specs.map(([units, n, isPlain]) => {
          const text = units.join("");
          return isPlain ? "y".repeat(n) : `${text}\n${text.repeat(Math.ceil(n / 20))}`;
        });
        expectRead(args);
      }),
    );
  });

  test("is text while it is short, and bytes when it is long", () => {
    expect(typeof expectRead(["a", "é", ""])).toBe("string");
    expect(expectRead(["a", "b".repeat(200_000), ""])).toBeInstanceOf(Buffer);
    expect(expectRead(Array.from({ length: 3_000 }, (_, k) => `${k}`.repeat(20)))).toBeInstanceOf(
      Buffer,
    );
  });

  test("has room for texts that need three bytes a character", () => {
    expectRead(["中".repeat(100_000)]);
    expectRead(Array.from({ length: 100 }, () => "中".repeat(2_000)));
    expectRead(["中".repeat(50_000), "x".repeat(100_000), "中".repeat(70_000)]);
  });
});
