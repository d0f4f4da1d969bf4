/** The door: what users pass in is checked here, and only here; exports only. */
export { type CheckedBind, checkBind } from "./options/bind.js";
export type {
  CallContext,
  PushContext,
  RegisterContext,
  TaskContext,
  TaskValidators,
} from "./options/context.js";
export { checkJobId, checkTaskId } from "./options/ids.js";
export { type CheckedList, checkList } from "./options/list.js";
export { checkPush } from "./options/push.js";
export { type CheckedRegister, checkRegister } from "./options/register.js";
export { type CheckedRepair, checkRepair } from "./options/repair.js";
export {
  type CheckedSchedulerOptions,
  checkSchedulerOptions,
} from "./options/scheduler.js";
export {
  type CheckedBackfill,
  checkBackfill,
  checkExplain,
  checkPause,
  checkPreview,
  checkScheduleRef,
  checkSchedulesList,
  checkTrigger,
  checkUpsert,
} from "./options/schedules.js";
export { type CheckedStart, checkStart } from "./options/start.js";
