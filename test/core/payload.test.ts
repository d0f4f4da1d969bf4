/** Data as text: what comes back, what is refused, and how much work it may be. */
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { decodePayload, encodePayload, MAX_DEPTH } from "../../src/core/payload.js";

const AT = { where: 'push("email")', limitBytes: 1_000_000 };

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = level % 2 ? [value] : { a: value };
  return value;
}

describe("encodePayload", () => {
  it("keeps whatever JSON can say", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 20 }), (value) => {
        const text = encodePayload(value, AT);
        expect(text).toBe(JSON.stringify(value));
        expect(encodePayload(decodePayload(text), AT)).toBe(text);
      }),
    );
  });

  it("nothing is the empty text, and null is not nothing", () => {
    expect(encodePayload(undefined, AT)).toBe("");
    expect(decodePayload("")).toBeUndefined();
    expect(encodePayload(null, AT)).toBe("null");
    expect(decodePayload("null")).toBeNull();
  });

  it("takes dates, URLs and objects of the user's own classes", () => {
    class Point {
      x = 1;
      #secret = 2;
      get secret(): number {
        return this.#secret;
      }
    }
    const data = { at: new Date(0), url: new URL("http://a/b"), point: new Point(), no: undefined };
    expect(encodePayload(data, AT)).toBe(
      '{"at":"1970-01-01T00:00:00.000Z","url":"http://a/b","point":{"x":1}}',
    );
  });

  it("keeps an own __proto__ a key, and changes no prototype", () => {
    const data: unknown = JSON.parse('{"__proto__":{"polluted":true}}');
    const text = encodePayload(data, AT);
    expect(text).toBe('{"__proto__":{"polluted":true}}');
    expect(Object.getPrototypeOf(decodePayload(text))).toBe(Object.prototype);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it("writes half a surrogate pair so that every store keeps it", () => {
    const text = encodePayload("a\ud800b", AT);
    expect(Buffer.from(text, "utf8").toString("utf8")).toBe(text);
    expect(decodePayload(text)).toBe("a\ud800b");
  });

  it("calls JSON.stringify once", () => {
    const spy = vi.spyOn(JSON, "stringify");
    try {
      encodePayload({ a: [1, 2, { b: "c" }] }, AT);
      expect(spy).toHaveBeenCalledTimes(1);
    } finally {
      spy.mockRestore();
    }
  });

  it("measures bytes, not characters", () => {
    const at = { ...AT, limitBytes: 32 };
    expect(encodePayload("ü".repeat(15), at)).toHaveLength(17);
    expect(() => encodePayload("ü".repeat(16), at)).toThrow("data is 34 bytes of JSON");
    expect(encodePayload("x".repeat(30), at)).toHaveLength(32);
    expect(() => encodePayload("x".repeat(31), at)).toThrow("data is 33 bytes of JSON");
  });

  it("is refused from a depth on", () => {
    expect(encodePayload(nested(MAX_DEPTH), AT)).toContain("1");
    expect(() => encodePayload(nested(MAX_DEPTH + 1), AT)).toThrow("DATA_NOT_SERIALIZABLE");
    expect(() => encodePayload(nested(100_000), AT)).toThrow("DATA_NOT_SERIALIZABLE");
  });

  it("is refused at once when parts that are shared would make it endless", () => {
    let bomb: unknown = "boom";
    for (let level = 0; level < 90; level++) bomb = [bomb, bomb];
    const started = process.hrtime.bigint();
    expect(() => encodePayload(bomb, AT)).toThrow("DATA_TOO_LARGE");
    expect(Number(process.hrtime.bigint() - started) / 1e6).toBeLessThan(1_000);
  });

  it.each<[string, unknown, string]>([
    ["a WeakMap", { a: new WeakMap() }, "data.a"],
    ["a RegExp", [/x/], "data[0]"],
    ["bytes", { a: { b: new Uint8Array(2) } }, "data.a.b"],
    ["a hole in a list", new Array(1), "data[0]"],
    ["Infinity", { a: Number.POSITIVE_INFINITY }, "data.a"],
    ["toJSON that hides a BigInt", { a: { toJSON: () => ({ b: 1n }) } }, "data.a.toJSON().b"],
    ["a boxed BigInt", { a: Object(1n) }, "data"],
    ["a function as data", () => 1, "data"],
    [
      "a Proxy that throws",
      new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error("x");
          },
        },
      ),
      "data",
    ],
  ])("%s is refused, with its path", (_, value, path) => {
    expect(() => encodePayload(value, AT)).toThrow(
      `[DATA_NOT_SERIALIZABLE] push("email"): ${path} cannot be kept as JSON`,
    );
  });

  it("never says what the data are", () => {
    const secret = "hunter2-".repeat(50);
    for (const data of [
      { a: secret, b: 1n },
      secret.repeat(10_000),
      {
        a: {
          toJSON: () => {
            throw new Error("x");
          },
        },
      },
    ]) {
      expect(() => encodePayload(data, AT)).toThrow(/^(?!.*hunter2)/s);
    }
    expect(() => decodePayload('{"a":"hunter2')).toThrow(/^\[STORE_DAMAGED\](?!.*hunter2)/s);
  });

  it("names something else than data when told so", () => {
    expect(() => encodePayload(1n, { ...AT, name: "result" })).toThrow("result cannot be kept");
  });
});
