/** Claims about `repair()` on a file: rows are damaged past the store; then everything drains. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createScheduler } from "../../src/index.js";
import { STATE } from "../../src/store/sqlite/schema.js";
import type { Scheduler } from "../../src/types.js";
import { until } from "../support/until.js";
import { openRaw } from "./raw.js";

let folder = "";
const endings: (() => Promise<unknown>)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "schedule-mq-mend-"));
});
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
  rmSync(folder, { recursive: true, force: true });
});

const pathOf = () => join(folder, "store.db");

function schedulerHere(): Scheduler {
  const options = { store: { path: pathOf() }, logger: false, pollInterval: 50 } as const;
  const scheduler = createScheduler({ ...options, lease: "300ms" });
  scheduler.on("error", () => {});
  endings.push(() => scheduler.stop());
  return scheduler;
}

async function fill(): Promise<void> {
  const pusher = schedulerHere();
  await pusher.push("a", { id: "once" });
  for (const id of ["again", "r1", "r2"]) await pusher.push("a", { id, retry: true });
  await pusher.push("a", { id: "later", delay: 100, retry: true });
  await pusher.push("a", { id: "ended" });
  await pusher.jobs.cancel("a", "ended");
  await pusher.stop();
  await damage(
    `UPDATE job SET state = ${STATE.running}, fence = 7, place = NULL WHERE number IN
       (SELECT number FROM known_id WHERE id IN ('once', 'again'))`,
    "UPDATE task SET ready = ready - 2, running = running + 2",
    `INSERT INTO lease SELECT 7, space, id, 'dead', 1, 300 FROM task`,
  );
}

async function damage(...statements: readonly string[]): Promise<void> {
  const raw = await openRaw(pathOf());
  for (const statement of statements) raw.exec(statement);
  raw.close();
}

const DAMAGES: readonly [string, string, readonly string[]][] = [
  ["nothing", "SELECT 1", []],
  ["the leases", "DELETE FROM lease", ["running"]],
  ["the fences of what runs", "UPDATE job SET fence = NULL", ["running"]],
  ["the due times", "UPDATE job SET due_at = NULL", ["scheduled"]],
  ["the lines", "UPDATE job SET lane = 9 WHERE state = 2", ["ready"]],
  ["the counters", "UPDATE task SET ready = 0, scheduled = 0, running = 0", ["counts"]],
  ["all jobs", "DELETE FROM job", ["counts", "ids"]],
  ["the ends of what has ended", "UPDATE job SET ended_at = NULL", ["ended"]],
  ["the ids", "DELETE FROM known_id", ["counts"]],
];

test.each(DAMAGES)(
  "%s lost: it is mended, and drains",
  async (_, statement, kinds) => {
    await fill();
    await damage(statement);
    const worker = schedulerHere();
    const { mended } = await worker.repair({ tasks: ["a"] });
    expect(mended.map(({ kind }) => kind).sort()).toEqual([...kinds].sort());
    expect((await worker.repair({ tasks: ["a"] })).mended).toEqual([]);
    const ran: string[] = [];
    worker.bind("a", (__, { jobId }) => void ran.push(jobId));
    await worker.start();
    await until(
      "the task to drain",
      async () => {
        const { ready, scheduled, running } = await worker.jobs.counts("a");
        return ready + scheduled + running === 0;
      },
      20_000,
    );
    expect(ran.sort()).toEqual(
      statement.startsWith("DELETE FROM job") ? [] : ["again", "later", "r1", "r2"],
    );
    if (statement.startsWith("DELETE FROM job")) {
      expect((await worker.push("a", { id: "r1" })).created).toBe(true);
    }
  },
  30_000,
);
