/** Claims about how scripts are shaped for the server: less to define, and nothing else changed. */
import { describe, expect, it } from "vitest";
import { shape } from "../../scripts/lib/lua-shape.mjs";
import { usualOf } from "../../scripts/lib/lua-source.mjs";

const SHEBANG = "#!lua\n";

describe("a shaped script", () => {
  it("holds its functions in one table, made at its full size", () => {
    const text = `${SHEBANG}local function one(a)\n  return a\nend\nreturn one(KEYS[1])\n`;
    expect(shape(text)).toBe(
      `${SHEBANG}local F = {one=0}\nfunction F.one(a)\n  return a\nend\nreturn F.one(KEYS[1])\n`,
    );
  });

  it("leaves out what nothing calls, and what only that calls", () => {
    const unused =
      "local function two()\n  return 2\nend\nlocal function three()\n  return two()\nend\n";
    const text = `${SHEBANG}${unused}return 1\n`;
    expect(shape(text)).toBe(`${SHEBANG}return 1\n`);
  });

  it("touches no text in quotes, no field and no method of the same name", () => {
    const text = `${SHEBANG}local function add(t)\n  return t.add\nend\nreturn add('add(')\n`;
    expect(shape(text)).toContain("return t.add\n");
    expect(shape(text)).toContain("return F.add('add(')");
  });

  it.each([
    ["a variable", "local function f(t)\n  local keep = t\n  return keep\nend"],
    ["a parameter", "local function f(keep)\n  return keep\nend"],
    ["a field that is set", "local function f(t)\n  return { keep = t }\nend"],
    ["a loop's variable", "local function f(t)\n  for keep in t do return keep end\nend"],
  ])("leaves a function alone whose name is also %s", (_what, other) => {
    const text = `${SHEBANG}local function keep()\n  return 1\nend\n${other}\nreturn f(keep())\n`;
    expect(shape(text)).toContain("local function keep()");
    expect(shape(text)).toContain("function F.f(");
  });

  const rare = "local function rare()\n  return 2\nend\n";
  const usual = "local function usual(a)\n  return a or rare()\nend\n";

  it("makes what its verb does not usually need when that is asked for", () => {
    const text = shape(`${SHEBANG}${rare}${usual}return usual(KEYS[1])\n`, ["usual"]);
    expect(text).toContain("local F = {usual=0}\n");
    expect(text).toContain("R[#R + 1] = function()\nfunction F.rare()\n  return 2\nend\nend\n");
    expect(text).toContain("function F.usual(a)\n  return a or F.rare()\nend\nR[#R + 1] = ");
  });

  it("has one maker for all that nothing can have asked for before", () => {
    const other = "local function other()\n  return rare()\nend\n";
    const apart = `${rare}local SIZE = 1\n${usual}${other}`;
    const makers = (text: string) => text.match(/^R\[#R \+ 1\] = /gm)?.length;
    const end = "return usual(KEYS[1]) or other()\n";
    expect(makers(shape(`${SHEBANG}${apart}${end}`, ["usual"]))).toBe(1);
    const asked = `${rare}${usual}local first = usual(nil)\n${other}return first or other()\n`;
    expect(makers(shape(`${SHEBANG}${asked}`, ["usual"]))).toBe(2);
  });

  it("is refused where what is usual is no function, or a name means two things", () => {
    const text = `${SHEBANG}${rare}return rare()\n`;
    expect(() => shape(text, ["rrare"])).toThrow("no such function: rrare");
    const twice = `${SHEBANG}local SIZE = 1\n${rare}local SIZE = 2\nreturn rare()\n`;
    expect(() => shape(twice, [])).toThrow("SIZE stands for two things");
  });
});

describe("what a verb usually needs", () => {
  it("stands in its header, in one line or several", () => {
    expect(usualOf("-- usual  one two\n--        three\n-- since  protocol 1\n")).toEqual([
      "one",
      "two",
      "three",
    ]);
    expect(usualOf("-- since  protocol 1\n")).toBeNull();
  });
});
