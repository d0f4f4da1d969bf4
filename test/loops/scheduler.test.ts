/** The public object: configuration, dropped promises, logging, listeners. */
import { expect, test } from "vitest";
import { createScene, listen, ofEvent, unreachable } from "./scene.js";

const CRON = { cronExpr: "* * * * *" };

test("bind and register are fixed while it runs or stops, and free again after", async () => {
  const scene = createScene();
  const { scheduler } = scene.scheduler();
  scheduler.bind("a", () => true).register("a", CRON);
  void scheduler.start();
  expect(scheduler.state).toBe("running");
  const frozen = expect.objectContaining({
    code: "RUNNING",
    fix: expect.stringContaining("stop()"),
  });
  expect(() => scheduler.bind("b", () => true)).toThrow(frozen);
  expect(() => scheduler.register("b", CRON)).toThrow(frozen);
  await scene.clock.advance(10);
  const stopping = scheduler.stop();
  expect(() => scheduler.bind("b", () => true)).toThrow(frozen);
  await scene.clock.advance(10);
  await stopping;
  scheduler.bind("b", () => true).register("b", CRON);
});

test("a task id that is no text is refused like any other mistake", async () => {
  const { scheduler } = createScene().scheduler();
  const bad = Symbol("task") as unknown as string;
  const refused = (code: string) => expect.objectContaining({ code, fix: expect.any(String) });
  expect(() => scheduler.bind(bad, () => true)).toThrow(refused("ID_INVALID"));
  expect(() => scheduler.register(bad, CRON)).toThrow(refused("ID_INVALID"));
  void scheduler.start();
  expect(() => scheduler.bind(bad, () => true)).toThrow(refused("RUNNING"));
  await scheduler.stop();
});

test("what was bound before a stop can be bound anew; twice at once is a mistake", async () => {
  const scene = createScene();
  const { scheduler } = scene.scheduler();
  const ran: string[] = [];
  scheduler.bind("a", () => void ran.push("old")).register("a", CRON);
  expect(() => scheduler.bind("a", () => true)).toThrow(
    expect.objectContaining({ code: "ALREADY_BOUND" }),
  );
  expect(() => scheduler.register("a", CRON)).toThrow(
    expect.objectContaining({ code: "ALREADY_REGISTERED" }),
  );
  await scheduler.start();
  await scheduler.stop();
  scheduler.bind("a", () => void ran.push("new"));
  await scheduler.start();
  await scheduler.push("a");
  await scene.clock.advance(100);
  expect(ran).toEqual(["new"]);
  await scheduler.stop();
});

test("promises that nobody keeps cause no unhandled rejection; the error event tells", async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => void unhandled.push(reason);
  process.on("unhandledRejection", note);
  try {
    const scene = createScene();
    const recorded = scene.scheduler();
    const { scheduler } = recorded;
    const told = listen(scheduler);
    recorded.before = () => {
      throw unreachable();
    };
    void scheduler.push("t");
    void scheduler.pushMany("t", [{}]);
    void scheduler.jobs.get("t", "x");
    void scheduler.jobs.counts("t");
    void scheduler.start({ mustConnect: true });
    await scene.clock.advance(10_000);
    void scheduler.start({ nonsense: 1 } as never);
    void scheduler.run();
    void scheduler.stop();
    await scene.clock.advance(10_000);
    expect(ofEvent(told, "error").length).toBeGreaterThanOrEqual(5);
    expect(unhandled).toEqual([]);
  } finally {
    process.off("unhandledRejection", note);
  }
});

test("the start-up line says what the store guarantees, and nothing else is logged", async () => {
  const scene = createScene();
  const lines: string[] = [];
  const logger = {
    debug() {},
    info: (_fields: object, message: string) => void lines.push(message),
    warn: (_fields: object, message: string) => void lines.push(message),
    error: (_fields: object, message: string) => void lines.push(message),
  };
  const { scheduler } = scene.scheduler({ logger });
  scheduler.bind("t", () => true);
  await scheduler.start();
  await scheduler.push("t");
  await scene.clock.advance(5_000);
  await scheduler.stop();
  expect(lines).toEqual([expect.stringContaining("in memory")]);
});

test("a listener or a logger that throws stops nothing", async () => {
  const scene = createScene();
  const broken = () => {
    throw new Error("broken");
  };
  const logger = { debug: broken, info: broken, warn: broken, error: broken };
  const { scheduler } = scene.scheduler({ logger });
  for (const name of ["job:started", "job:completed", "job:pushed", "error"] as const) {
    scheduler.on(name, broken);
  }
  scheduler.bind("t", () => true);
  await scheduler.start();
  for (let n = 0; n < 3; n += 1) await scheduler.push("t");
  await scene.clock.advance(100);
  expect((await scene.counts("t")).total.completed).toBe(3);
  await scheduler.stop();
});

test("listeners come and go", async () => {
  const scene = createScene();
  const { scheduler } = scene.scheduler();
  const heard: string[] = [];
  const always = ({ jobId }: { jobId: string }) => void heard.push(`on ${jobId}`);
  scheduler
    .on("job:pushed", always)
    .once("job:pushed", ({ jobId }) => void heard.push(`once ${jobId}`));
  await scheduler.push("t", { id: "a" });
  await scheduler.push("t", { id: "b" });
  scheduler.off("job:pushed", always);
  await scheduler.push("t", { id: "c" });
  expect(heard).toEqual(["on a", "once a", "on b"]);
  await scheduler.stop();
});
