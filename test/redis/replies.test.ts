/** What the caller of a verb is told when its answer was lost. */
import { expect, test } from "vitest";
import { noAnswer } from "../../src/store/redis/replies.js";

const ADDRESS = "redis.example:6379";

test("who only asked is told that nothing was changed", () => {
  for (const verb of ["get", "list", "counts", "schedule", "schedules"]) {
    const { code, message, fix } = noAnswer(verb, ADDRESS);
    expect(code).toBe("STORE_NO_ANSWER");
    expect(message).toContain(`${verb}: sent to Redis at ${ADDRESS}`);
    expect(message).toContain("nothing was changed");
    expect(fix).toBe("ask again");
  }
});

test("who wanted a change is told that it may have been made, and what helps", () => {
  const fixes: Record<string, string> = {
    push: "give jobs an id",
    trigger: "schedules.ledger()",
    cancel: "do it again",
    redrive: "do it again",
    pause: "do it again",
    remove: "do it again",
    register: "do it again",
    work: "the scheduler finds out",
  };
  for (const [verb, fix] of Object.entries(fixes)) {
    const error = noAnswer(verb, ADDRESS);
    expect(error.message).toContain("it may have been done or not");
    expect(error.fix).toContain(fix);
  }
});
