/** Checks the options of `repair`. */
import { show } from "../show.js";
import type { TaskContext } from "./context.js";
import { checkTaskId } from "./ids.js";
import { invalid, readOptions } from "./read.js";

export interface CheckedRepair {
  /** null: those that are bound or registered here. */
  tasks: string[] | null;
}

export function checkRepair(options: unknown, context: TaskContext = {}): CheckedRepair {
  const { tasks } = readOptions(options, "repair()", { names: ["tasks"] });
  if (tasks === undefined) return { tasks: null };
  if (Array.isArray(tasks)) {
    return { tasks: [...new Set(tasks.map((task) => checkTaskId(task, "repair()", context)))] };
  }
  throw invalid("repair()", `tasks must be a list of task ids, got ${show(tasks)}`, {
    fix: 'use tasks: ["email"], or leave it out for the tasks of this scheduler',
    value: tasks,
  });
}
