/**
 * What the source, docs/security.md, docs/cluster.md and PROTOCOL.md say of rights is what the list
 * says, which runs are compared with.
 */
import { expect, test } from "vitest";
import { derived, readRights } from "../../scripts/lib/rights.mjs";
import { staleRights } from "../../scripts/rights.mjs";

test("the source and the documentation say what the list says", () => {
  expect([...staleRights().keys()]).toEqual([]);
});

test("a list with another command is another source, and other pages", () => {
  const rights = readRights();
  const { inScripts } = rights.single;
  const more = derived({
    ...rights,
    single: { ...rights.single, inScripts: [...inScripts, "zz"] },
  });
  const paths = ["protocol/rights.json", "src/store/redis/rights-list.ts", "docs/security.md"];
  for (const path of [...paths, "protocol/PROTOCOL.md"]) expect(more.get(path)).toMatch(/zz/i);
});
