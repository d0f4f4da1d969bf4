/**
 * Claims about the real thread of a deputy, as it is built, beside a main thread that gives no sign
 * of life. Nobody reaps here, so nothing depends on how quick the machine is.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Board } from "../../src/loops/deputy/board.js";
import type { DeputyThread, LaunchDeputy } from "../../src/loops/deputy/deputy.js";
import type { ClaimedBatch, Store } from "../../src/store/contract.js";
import type { DeputyStoreOptions } from "../../src/threads/orders.js";
import { job, KEEP, storeOn } from "../redis/store-kit.js";
import { serverForThisFile } from "../support/redis-world.js";
import { until } from "../support/until.js";

const LEASE_MS = 1_000;
const PATIENCE_MS = 60_000;
/** As large as a payload may be. */
const LARGE = JSON.stringify("x".repeat(1_000_000));

const server = serverForThisFile({ kind: "redis-server" });
let launcherOf: (store: () => DeputyStoreOptions | null) => LaunchDeputy;
let store: Store;

beforeAll(async () => {
  // Not the source: a thread needs a file that Node can run.
  const built = new URL("../../dist/threads/launch.js", import.meta.url);
  ({ launcherOf } = (await import(built.href)) as { launcherOf: typeof launcherOf });
  store = storeOn({ host: server().host, port: server().port });
  await store.open();
});
afterAll(async () => {
  await store?.close();
});

interface Running {
  board: Board;
  thread: DeputyThread;
  /** What it died of; null: nothing. */
  died: () => Error | null;
}

/** A thread whose board shows no sign of life; resolves when it says that it has loaded all. */
async function loaded(taskIds: string[]): Promise<Running> {
  const { host, port } = server();
  const launch = launcherOf(() => ({
    ...{ kind: "redis", prefix: "_test:", keep: KEEP, redis: { host, port } as never },
  }));
  let thread: DeputyThread | string = "";
  let died: Error | null = null;
  let place = 0;
  const board = new Board((sheet) => (thread as DeputyThread).tell({ kind: "sheet", sheet }));
  await new Promise<void>((resolve, reject) => {
    const ended = (error: Error | null): void => {
      died = error ?? new Error("it ended");
      reject(died);
    };
    const listener = { ready: () => {}, loaded: resolve, ended };
    thread = launch({ board: board.memory, taskIds, leaseMs: LEASE_MS }, listener);
    if (typeof thread === "string") reject(new Error(thread));
    else thread.open(1);
    // It loads nothing before there is a lease.
    place = hold(board, { fence: "1", jobs: [] });
  });
  board.release(place);
  return { board, thread: thread as unknown as DeputyThread, died: () => died };
}

async function claimAll(taskId: string): Promise<ClaimedBatch[]> {
  const found: ClaimedBatch[] = [];
  for (;;) {
    const claims = [{ taskId, limit: 100 }];
    const args = { settles: [], claims, idle: false, leaseMs: LEASE_MS, keep: KEEP };
    const { batches } = await store.work(args);
    if (batches.length === 0) return found;
    found.push(...batches);
  }
}

function hold(board: Board, { fence, jobs }: Pick<ClaimedBatch, "fence" | "jobs">): number {
  return board.hold({ fence, task: 0, shard: 0, leaseMs: LEASE_MS, limitMs: PATIENCE_MS, jobs });
}

/** Claims a job of that task, and resolves when its lease has been renewed. */
async function isRenewed(taskId: string, board: Board): Promise<void> {
  await store.push({ jobs: [job(taskId)], timeoutMs: 5_000 });
  const [batch] = await claimAll(taskId);
  const { number } = batch!.jobs[0]!;
  const endsAt = async (): Promise<number> => {
    const args = { taskId, state: "running", cursor: null, limit: 10 } as const;
    const { jobs } = await store.list(args);
    return jobs.find(({ id }) => id.endsWith(number))?.leaseEndsAt ?? 0;
  };
  const first = await endsAt();
  const place = hold(board, batch!);
  expect(board.mayBegin(place, 0)).toBe(true);
  await until("the lease is renewed", async () => (await endsAt()) > first, PATIENCE_MS);
}

test(
  "it has loaded all before anything is due, and renews what is held then",
  async () => {
    const { board, thread } = await loaded(["first"]);
    await isRenewed("first", board);
    thread.kill();
  },
  PATIENCE_MS,
);

test(
  "of two schedulers of a process each has its own, and one goes on when the other has left",
  async () => {
    const [one, other] = [await loaded(["one"]), await loaded(["other"])];
    await Promise.all([isRenewed("one", one.board), isRenewed("other", other.board)]);
    one.thread.tell({ kind: "close" });
    await until("its end", () => one.died() !== null, PATIENCE_MS);
    await isRenewed("other", other.board);
    expect(other.died()).toBeNull();
    other.thread.kill();
  },
  PATIENCE_MS,
);

test(
  "it hands back more than its memory can hold",
  async () => {
    const taskId = "large";
    const rules = { retry: { attempts: 0, waitMs: 0, backoff: "fixed" }, priority: 0 } as const;
    for (let n = 0; n < 48; n += 1) {
      const jobs = [1, 2].map(() =>
        job(taskId, { payload: LARGE, rules: { ...rules, timeoutMs: null } }),
      );
      await store.push({ jobs, timeoutMs: 5_000 });
    }
    const { board, thread, died } = await loaded([taskId]);
    const batches = await claimAll(taskId);
    for (const batch of batches) hold(board, batch);
    const isBack = async (): Promise<boolean> => {
      expect(died()).toBeNull();
      return (await store.counts({ taskId })).ready === 96;
    };
    await until("all are handed back", isBack, PATIENCE_MS);
    thread.kill();
  },
  PATIENCE_MS,
);
