/** The journal is brought to the disk, and into the file, beside the event loop. */
import { existsSync, readdirSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { JournalSync } from "../../src/store/sqlite/sync.js";
import { test } from "./kit.js";
import { newJob } from "./processes.js";

const BESIDE = { isLone: false };

describe("bringing the journal to the disk", () => {
  test("answers all who asked, those too who asked while it was under way", async ({ kit }) => {
    const path = join(kit.folder, "journal");
    writeFileSync(path, "frames");
    const sync = new JournalSync(path, () => 0);
    const order: number[] = [];
    await new Promise<void>((resolve) => {
      sync.after(() => order.push(1), BESIDE);
      sync.after(() => order.push(2), BESIDE);
      // in place only where nothing is under way
      sync.after(() => order.push(3), { isLone: true });
      expect(order).toEqual([]);
      sync.after(() => resolve(), BESIDE);
    });
    expect(order).toEqual([1, 2, 3]);
    sync.after(() => order.push(4), { isLone: true });
    expect(order.at(-1)).toBe(4);
    await sync.close();
  });

  test("goes beside the loop, also for a lone caller, where the disk is slow", async ({ kit }) => {
    const path = join(kit.folder, "journal");
    writeFileSync(path, "frames");
    let now = 0;
    const sync = new JournalSync(path, () => {
      now += 100;
      return now;
    });
    sync.after(() => undefined, { isLone: true });
    let isAnswered = false;
    const answered = new Promise<void>((resolve) => {
      sync.after(
        () => {
          isAnswered = true;
          resolve();
        },
        { isLone: true },
      );
    });
    expect(isAnswered).toBe(false);
    await answered;
    await sync.close();
  });

  test("says so when the disk does not take it", async () => {
    // no disk is behind it: there is nothing to sync
    const sync = new JournalSync("/dev/null", () => 0);
    const errors: (Error | null)[] = [];
    sync.after((error) => errors.push(error), { isLone: true });
    await new Promise<void>((resolve) => {
      sync.after((error) => resolve(void errors.push(error)), BESIDE);
    });
    expect(errors).toMatchObject([{ code: "EINVAL" }, { code: "EINVAL" }]);
    await sync.close();
  });
});

describe("closing it", () => {
  test.runIf(process.platform === "linux")("ends when the file is closed", async ({ kit }) => {
    const path = join(kit.folder, "journal");
    const isOpen = () =>
      readdirSync("/proc/self/fd").some((fd) => {
        const name = `/proc/self/fd/${fd}`;
        return existsSync(name) && readlinkSync(name) === path;
      });
    for (const isUnderWay of [false, true]) {
      writeFileSync(path, "frames");
      const sync = new JournalSync(path, () => 0);
      let isAnswered = false;
      const done = () => {
        isAnswered = true;
      };
      if (isUnderWay) sync.after(done, BESIDE);
      expect(isOpen()).toBe(true);
      await sync.close();
      expect(isOpen()).toBe(false);
      expect(isAnswered).toBe(isUnderWay);
    }
  });
});

describe("a sync that failed", () => {
  test("fails those too who asked during it, and is closed once", async ({ kit }) => {
    // a file that cannot be synced, and one that takes its descriptor when it is closed too often
    const sync = new JournalSync("/dev/null", () => 0);
    const errors: (Error | null)[] = [];
    const inPlace: (Error | null)[] = [];
    sync.after((error) => inPlace.push(error), { isLone: true });
    await new Promise<void>((resolve) => {
      // as the database does, which drops its connection
      sync.after((error) => {
        errors.push(error);
        void sync.close();
      }, BESIDE);
      sync.after((error) => resolve(void errors.push(error)), BESIDE);
    });
    expect(errors).toMatchObject([{ code: "EINVAL" }, { code: "EINVAL" }]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const path = join(kit.folder, "journal");
    writeFileSync(path, "frames");
    const next = new JournalSync(path, () => 0);
    const after = await new Promise((resolve) => void next.after(resolve, BESIDE));
    expect(after).toBe(null);
    await next.close();
  });
});

describe("a long journal", () => {
  test("is started anew where there is no thread for it, too", async ({ kit }) => {
    const store = kit.store();
    const jobs = Array.from({ length: 100 }, () => newJob({ payload: `"${"x".repeat(4_000)}"` }));
    for (let n = 0; n < 60; n += 1) await store.push({ jobs, timeoutMs: 5_000 });
    expect(existsSync(`${kit.path}-wal`)).toBe(true);
    // 24 MB were written; how much waits at once depends on the disk.
    expect(statSync(`${kit.path}-wal`).size).toBeLessThan(20 * 1024 * 1024);
  });
});
