/** Claims about wake-ups between processes: the polls are so long that they explain nothing. */
import { describe, expect, test } from "vitest";
import { until } from "../support/until.js";
import { withFleet } from "./kit/fleet.js";
import { KINDS } from "./kit/worlds.js";

const options = { pollInterval: "30s", lease: "60s" } as const;
/** Far below the poll, far above what it takes: the machine may be busy. */
const PROMPT_MS = 2_000;

describe.concurrent.each(KINDS)("on %s", (kind) => {
  test("a push wakes another process in milliseconds, again and again", () =>
    withFleet({ kind, options }, async (fleet) => {
      await Promise.all([fleet.worker(), fleet.worker()]);
      const delays: number[] = [];
      for (let n = 0; n < 20; n += 1) {
        const pushedAt = Date.now();
        const id = await fleet.push();
        const started = () => fleet.journal.starts({ jobId: id })[0];
        const { at } = await until("the job is run", started, PROMPT_MS);
        delays.push(at - pushedAt);
      }
      delays.sort((a, b) => a - b);
      expect(delays[10]).toBeLessThan(100);
    }));

  test("a delayed push is run when it is due, not at the next poll, and never before", () =>
    withFleet({ kind, options }, async (fleet) => {
      await fleet.worker();
      const { id, dueAt } = await fleet.scheduler.push("task", { delay: 700 });
      const started = () => fleet.journal.starts({ jobId: id })[0];
      const { at } = await until("the job is run", started, 700 + PROMPT_MS);
      expect(at).toBeGreaterThanOrEqual(dueAt ?? Number.POSITIVE_INFINITY);
      expect(at - (dueAt ?? 0)).toBeLessThan(PROMPT_MS);
    }));

  test("cancelling a job aborts its signal in the other process that runs it", () =>
    withFleet({ kind, options }, async (fleet) => {
      await fleet.worker();
      const id = await fleet.push({ data: { plan: ["hang"] }, retry: true });
      await until("the job runs", () => fleet.journal.starts({ jobId: id })[0], PROMPT_MS);
      const { jobs } = fleet.scheduler;
      const askedAt = Date.now();
      expect(await jobs.cancel("task", id)).toEqual({ state: "cancelling", changed: true });
      const aborted = () => fleet.journal.aborts({ jobId: id })[0];
      const { at, reason } = await until("the abort", aborted, PROMPT_MS);
      expect(reason).toBe("JOB_CANCELLED");
      expect(at - askedAt).toBeLessThan(PROMPT_MS);
      const isCancelled = async () => (await jobs.get("task", id))?.state === "cancelled";
      await until("the job is cancelled", isCancelled, PROMPT_MS);
      expect(fleet.journal.starts()).toHaveLength(1);
    }));

  test("a failed job is run again when its wait is over, not at the next poll", () =>
    withFleet({ kind, options }, async (fleet) => {
      await fleet.worker();
      const id = await fleet.push({
        data: { plan: ["fail", "note"] },
        retry: 2,
        retryTimeout: 400,
      });
      const again = () => fleet.journal.starts({ jobId: id, attempt: 2 })[0];
      const { at } = await until("the second attempt", again, 400 + PROMPT_MS);
      const [failed] = fleet.journal.ends({ jobId: id, attempt: 1 });
      expect(at - (failed?.at ?? 0)).toBeGreaterThanOrEqual(400);
    }));
});
