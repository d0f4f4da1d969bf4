/** What one step of the model has at hand, and the small words that all steps are made of. */
import type { EndState, JobState } from "../../src/core/job.js";
import type { Wake } from "../../src/store/contract.js";
import { emptyTask, type Job, type State, type Task } from "./state.js";

export interface AddressedWake {
  identity: string;
  wake: Wake;
}

/** Work that appeared in this step; `dueAt` 0: ready now. */
export interface Notice {
  taskId: string;
  dueAt: number;
}

/** A schedule has to be decided from `wakeAt` on. */
export interface ScheduleNotice {
  taskId: string;
  /** Local ones: who has registered them can fire them; null: who can fire its task's. */
  scheduleId: string | null;
  wakeAt: number;
}

export interface Scope {
  state: State;
  /** Who calls. */
  identity: string;
  now: number;
  notices: Notice[];
  scheduleNotices: ScheduleNotice[];
  wakes: AddressedWake[];
}

export const END_STATES: readonly EndState[] = ["completed", "dead", "cancelled"];

export function isEnded(state: JobState): state is EndState {
  return state === "completed" || state === "dead" || state === "cancelled";
}

/** Never lower, never again, also when the clock goes back. */
export function nextNumber({ state, now }: Scope): number {
  state.lastNumber = Math.max(state.lastNumber + 1, now * 1_000);
  return state.lastNumber;
}

export function nextFence({ state, now }: Scope): number {
  state.lastFence = Math.max(state.lastFence + 1, now * 1_000);
  return state.lastFence;
}

export function taskOf({ state }: Scope, name: string): Task {
  let task = state.tasks.get(name);
  if (task === undefined) {
    task = emptyTask(name);
    state.tasks.set(name, task);
  }
  return task;
}

/** The jobs of a task that a question is about. */
export function jobsIn(task: Task, state: JobState): Job[] {
  return [...task.jobs.values()].filter((job) => job.state === state);
}

/** The only way of a job from state to state. */
export function move(task: Task, job: Job, to: JobState): void {
  task.there[job.state] -= 1;
  job.state = to;
  task.there[to] += 1;
}

/** Somebody has to hear of this work. */
export function notice(scope: Scope, taskId: string, dueAt: number): void {
  const known = scope.notices.find((each) => each.taskId === taskId);
  if (known === undefined) scope.notices.push({ taskId, dueAt });
  else known.dueAt = Math.min(known.dueAt, dueAt);
}

/** A job of this task is ready again, as the last in line: its place. */
export function joinEnd(scope: Scope, taskId: string): number {
  notice(scope, taskId, 0);
  return nextNumber(scope);
}

/** Numbers and fences as everybody outside sees them. */
export function digits(number: number): string {
  return String(number).padStart(16, "0");
}

/** The number behind 16 digits; -1, which nothing has, for anything else. */
export function numberOf(text: string): number {
  return /^\d{16}$/.test(text) ? Number(text) : -1;
}

export function publicId(job: Pick<Job, "id" | "number">): string {
  return job.id ?? `0-${digits(job.number)}`;
}

/** By several keys, one after the other. */
export function compare(a: readonly number[], b: readonly number[]): number {
  for (const [n, value] of a.entries()) {
    const other = b[n] ?? 0;
    if (value !== other) return value - other;
  }
  return 0;
}

/** A copy in the order of these keys. */
export function sortedBy<T>(items: Iterable<T>, keys: (item: T) => readonly number[]): T[] {
  return [...items].sort((a, b) => compare(keys(a), keys(b)));
}
