/**
 * A journal whose end is torn, as a power cut in the middle of a write leaves it: what was written
 * before is there, whole, and the store goes on. (That nothing answered stands behind what was
 * synced is shown by the power cuts of test/chaos.)
 */
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { type Kit, pushOne, test } from "./kit.js";

const PUSHES = 8;
const ids = Array.from({ length: PUSHES }, (_, n) => `job ${n}`);

/** What stands behind the place where it is torn. */
const REST: Readonly<Record<string, (rest: Buffer) => Buffer>> = {
  nothing: () => Buffer.alloc(0),
  zeros: (rest) => Buffer.alloc(rest.length),
  "something else": (rest) => Buffer.alloc(rest.length, 0xa5),
  "what follows it, moved": (rest) => rest.subarray(24),
};

interface Written {
  main: Buffer;
  journal: Buffer;
  /** How long the journal was when each push was answered. */
  ends: number[];
}

async function written(kit: Kit): Promise<Written> {
  const store = kit.store();
  await store.open();
  const journal = `${kit.path}-wal`;
  const ends: number[] = [];
  for (const id of ids) {
    await pushOne(store, { id, payload: `"${id}"` });
    ends.push(statSync(journal).size);
  }
  expect([...new Set(ends)].sort((a, b) => a - b)).toEqual(ends);
  return { main: readFileSync(kit.path), journal: readFileSync(journal), ends };
}

describe.each(Object.keys(REST))("behind the tear: %s", (rest) => {
  test("no push before it is lost, none after it is half there", async ({ kit }) => {
    const { main, journal, ends } = await written(kit);
    const places = ends.flatMap((end, n) => {
      const from = n === 0 ? 0 : ends[n - 1]!;
      return [from, from + 1, Math.floor((from + end) / 2), end - 1];
    });
    for (const at of [...places, journal.length]) {
      const folder = join(kit.folder, `torn at ${at}`);
      mkdirSync(folder, { recursive: true });
      const path = join(folder, "store.db");
      writeFileSync(path, main);
      const torn = Buffer.concat([journal.subarray(0, at), REST[rest]!(journal.subarray(at))]);
      writeFileSync(`${path}-wal`, torn);
      const store = kit.store({ target: { path } });
      await store.open();
      const jobs = await Promise.all(ids.map((id) => store.get({ taskId: "t", id })));
      // What stands behind the tear may begin like what stood there.
      const same = journal.findIndex((byte, n) => byte !== torn[n]);
      const there = ids.filter((_, n) => same === -1 || ends[n]! <= same);
      expect(jobs.flatMap((job) => job?.id ?? [])).toEqual(there);
      expect(jobs.flatMap((job) => job?.payload ?? [])).toEqual(there.map((id) => `"${id}"`));
      expect((await pushOne(store, { id: "after" })).created).toBe(true);
      await store.close();
    }
  });
});
