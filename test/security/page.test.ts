/** What docs/security.md says of rights is what protocol/PROTOCOL.md lists, which a run checks. */
import { expect, test } from "vitest";
import { DEFAULT_PREFIX } from "../../src/core/options/scheduler.js";
import { readPage } from "../docs/blocks.js";
import { listed, listedAsOptional, listedForClients } from "../redis/store-kit.js";
import { aclWords } from "../support/least-rights.js";

const page = readPage("docs/security.md");

test("the user of docs/security.md has the published rights, no more and no less", () => {
  const words = /^ACL SETUSER scheduler on >\S+ (.*?)^```/ms.exec(page)?.[1]?.trim().split(/\s+/);
  expect(words).toEqual(aclWords([...listedForClients(), ...listed()], DEFAULT_PREFIX));
});

test("docs/security.md names what a user can do without", () => {
  for (const name of listedAsOptional()) {
    expect(page).toMatch(`\`+${name.toLowerCase().replace(" ", "\\|")}\``);
  }
});
