/** The function that belongs to a schedule in the store, if this program registers it. */
import { decodeRule } from "../core/schedule.js";
import type { SchedulesParts } from "../schedules.js";
import type { ScheduleView } from "../store/contract.js";

export function functionOf(
  parts: Pick<SchedulesParts, "registered">,
  { scheduleId, definition }: Pick<ScheduleView, "scheduleId" | "definition">,
): ((at: number) => boolean) | null {
  const { excludeCode } = decodeRule(definition);
  if (excludeCode === undefined) return null;
  for (const own of parts.registered()) {
    const isSame = own.scheduleId === scheduleId && own.definition.excludeCode === excludeCode;
    if (isSame) return own.excludes;
  }
  return null;
}
