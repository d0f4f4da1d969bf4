/** Tells that definitions of a schedule disagree: once for each change of the matter. */
import { SchedulerError } from "../core/errors.js";
import type { Emitter } from "../core/events.js";
import type { RegisterAnswer } from "../store/contract.js";

export class ConflictNews {
  readonly #emitter: Emitter;
  readonly #told = new Map<string, string>();

  constructor(emitter: Emitter) {
    this.#emitter = emitter;
  }

  note({ taskId, answer }: { taskId: string; answer: RegisterAnswer }): void {
    const { scheduleId, outcome, generation, contested } = answer;
    const matter = `${outcome} ${generation} ${contested}`;
    if (this.#told.get(scheduleId) === matter) return;
    this.#told.set(scheduleId, matter);
    const message = messageOf(answer, taskId);
    if (message === null) return;
    this.#emitter.emit("schedule:conflict", { scheduleId, taskId, message });
    if (outcome === "conflict") this.#emitter.emit("error", refusal(answer, message, taskId));
  }
}

function messageOf({ scheduleId, outcome, contested }: RegisterAnswer, taskId: string) {
  const name = `schedule "${scheduleId}"`;
  if (outcome === "superseded") {
    return `${name}: a newer definition of it is in force, which other schedulers register`;
  }
  if (outcome === "conflict") {
    return `${name} belongs to another task than "${taskId}", or was made at run time`;
  }
  if (contested && outcome === "changed") {
    return `${name}: this definition is in force now; other schedulers register an older one`;
  }
  return null;
}

function refusal(answer: RegisterAnswer, message: string, taskId: string): SchedulerError {
  return new SchedulerError("ALREADY_REGISTERED", `register("${taskId}"): ${message}`, {
    fix: "give it a scheduleId of its own, or remove the other one first",
    value: answer.scheduleId,
  });
}
