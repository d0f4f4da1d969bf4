/** Makes a run-time schedule or changes it: what is due by the old rule is decided first. */
import { SchedulerError } from "../core/errors.js";
import type { CheckedRegister } from "../core/options.js";
import { nextOccurrence } from "../core/schedule.js";
import { quote } from "../core/show.js";
import { writeOf } from "../loops/registrations.js";
import { settleDue } from "../loops/settle-due.js";
import type { SchedulesParts } from "../schedules.js";
import type { RegisterAnswer } from "../store/contract.js";
import type { ScheduleInfo } from "../types.js";
import { changedInfo } from "./changed.js";
import { scheduleInCode } from "./errors.js";

const MOST_TRIES = 20;
const PAUSE_MS = 400;

/** Every store's clock is later: the first answer says what the time is there. */
const LONG_AGO = 0;

export async function upsert(
  parts: SchedulesParts,
  checked: CheckedRegister,
): Promise<ScheduleInfo> {
  await written(parts, checked);
  parts.changed();
  return await changedInfo(parts, { scheduleId: checked.scheduleId, call: "upsert" });
}

async function written(parts: SchedulesParts, checked: CheckedRegister): Promise<void> {
  const { store } = parts;
  const { scheduleId, definition } = checked;
  let now = LONG_AGO;
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const write = writeOf(checked);
    const firstAt = nextOccurrence(definition, now - write.jitterMs);
    const schedules = [{ ...write, firstAt }];
    const [answer] = await store.register({ registration: null, schedules });
    if (answer === undefined || isDone(answer)) return;
    if (answer.outcome === "stale") now = Math.max(now, answer.now);
    else if (answer.outcome === "due") await decideDue(parts, { scheduleId, tries });
    else throw scheduleInCode(scheduleId, "upsert");
  }
  const message = `schedules.upsert(): ${quote(scheduleId)} could not be changed: it is always due`;
  const fix = "nothing was changed: pause() it, or try again";
  throw new SchedulerError("STORE_REFUSED", message, { fix, value: scheduleId });
}

/** For some seconds after the store was lost nothing fires, and nothing due can be decided. */
async function decideDue(
  { store, emitter, keep, sleep }: SchedulesParts,
  { scheduleId, tries }: { scheduleId: string; tries: number },
): Promise<void> {
  if (tries > 1) await sleep(PAUSE_MS);
  await settleDue({ store, emitter, keep }, scheduleId);
}

function isDone({ outcome }: RegisterAnswer): boolean {
  return outcome === "added" || outcome === "changed" || outcome === "unchanged";
}
