/** Claims about how scripts are shaped for the server: less to define, and nothing else changed. */
import { describe, expect, it } from "vitest";
import { shape } from "../../scripts/lib/lua-shape.mjs";

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
});
