/** The emitter: every listener hears, whatever the others do. */
import { describe, expect, it } from "vitest";
import { Emitter, EVENT_NAMES } from "../../src/core/events.js";

function emitterWithLog(): { emitter: Emitter; log: { fields: object; message: string }[] } {
  const log: { fields: object; message: string }[] = [];
  const error = (fields: object, message: string) => void log.push({ fields, message });
  return { emitter: new Emitter({ debug() {}, info() {}, warn() {}, error }), log };
}

const CANCELLED = { jobId: "1", taskId: "email" };

describe("an emitter", () => {
  it("tells every listener, also those after one that throws", () => {
    const { emitter, log } = emitterWithLog();
    const heard: unknown[] = [];
    emitter.on("job:cancelled", () => {
      throw new Error("first");
    });
    emitter.on("job:cancelled", (payload) => heard.push(payload));
    emitter.on("error", (error) => heard.push(error.message));
    emitter.emit("job:cancelled", CANCELLED);
    expect(heard).toEqual(["first", CANCELLED]);
    expect(log).toEqual([]);
  });

  it("tells an error that nobody listens to to the logger", () => {
    const { emitter, log } = emitterWithLog();
    const error = new Error("alone");
    emitter.emit("error", error);
    expect(log).toEqual([{ fields: { error }, message: "an error that nobody listens to" }]);
  });

  it("survives listeners of errors that throw, and a logger that throws", () => {
    const { emitter, log } = emitterWithLog();
    emitter.on("error", () => {
      throw new Error("again");
    });
    emitter.emit("error", new Error("x"));
    expect(log.map(({ message }) => message)).toEqual(['a listener of "error" failed']);
    const fail = () => {
      throw new Error("no log");
    };
    const mute = new Emitter({ debug: fail, info: fail, warn: fail, error: fail });
    expect(() => mute.emit("error", new Error("x"))).not.toThrow();
  });

  it("tells a listener's rejection as an error, so that none is unhandled", async () => {
    const { emitter } = emitterWithLog();
    const told = new Promise<Error>((resolve) => emitter.on("error", resolve));
    emitter.on("job:cancelled", async () => {
      throw new Error("later");
    });
    emitter.emit("job:cancelled", CANCELLED);
    await expect(told).resolves.toMatchObject({ message: "later" });
  });

  it("never throws, not even where what a listener throws cannot be looked at", () => {
    const { emitter } = emitterWithLog();
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const told: Error[] = [];
    emitter.on("error", (error) => told.push(error));
    emitter.on("job:cancelled", () => {
      throw proxy;
    });
    expect(() => emitter.emit("job:cancelled", CANCELLED)).not.toThrow();
    expect(told).toMatchObject([{ message: expect.stringContaining("job:cancelled") }]);
  });

  it("makes an Error of whatever a listener throws", () => {
    const { emitter } = emitterWithLog();
    const told: Error[] = [];
    emitter.on("error", (error) => told.push(error));
    emitter.on("job:cancelled", () => {
      throw "text";
    });
    emitter.emit("job:cancelled", CANCELLED);
    expect(told[0]).toBeInstanceOf(Error);
    expect(told[0]!.cause).toBe("text");
  });

  it("calls a once listener once, and one that was taken off not at all", () => {
    const { emitter } = emitterWithLog();
    let calls = 0;
    const listener = () => ++calls;
    emitter.once("job:cancelled", listener);
    emitter.on("job:cancelled", listener);
    emitter.emit("job:cancelled", CANCELLED);
    expect(calls).toBe(2);
    emitter.off("job:cancelled", listener);
    expect(emitter.has("job:cancelled")).toBe(false);
    emitter.emit("job:cancelled", CANCELLED);
    expect(calls).toBe(2);
  });

  it("lets a listener add and take off others while it is called", () => {
    const { emitter } = emitterWithLog();
    const heard: string[] = [];
    const second = () => heard.push("second");
    emitter.on("job:cancelled", () => {
      heard.push("first");
      emitter.off("job:cancelled", second);
      emitter.on("job:cancelled", () => heard.push("third"));
    });
    emitter.on("job:cancelled", second);
    emitter.emit("job:cancelled", CANCELLED);
    expect(heard).toEqual(["first", "second"]);
  });

  it("knows every event by name", () => {
    const { emitter } = emitterWithLog();
    for (const name of EVENT_NAMES) emitter.on(name, () => {});
    expect(new Set(EVENT_NAMES).size).toBe(16);
    expect(() => emitter.on("toString" as never, () => {})).toThrow("there is no event");
  });
});
