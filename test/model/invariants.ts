/** What must be true of the model's state after every step, whatever happened before it. */
import { isEnded } from "./scope.js";
import type { Job, State, Task } from "./state.js";

/** The highest numbers seen so far: they only rise. */
export interface HighWater {
  number: number;
  fence: number;
}

/** Every violation as a sentence; none: all is well. Raises the marks that it is given. */
export function violations(state: State, marks: HighWater): string[] {
  const found: string[] = [];
  const say: Say = (isWrong, what) => {
    if (isWrong) found.push(what());
  };
  say(state.lastNumber < marks.number, () => `the last number fell to ${state.lastNumber}`);
  say(state.lastFence < marks.fence, () => `the last fence fell to ${state.lastFence}`);
  const seen = new Set<number>();
  for (const task of state.tasks.values()) {
    checkTask(task, say);
    for (const job of task.jobs.values()) {
      checkJob(state, job, say);
      say(seen.has(job.number), () => `${nameOf(job)} is there twice`);
      seen.add(job.number);
    }
  }
  checkLeases(state, say);
  checkSchedules(state, say);
  marks.number = Math.max(marks.number, state.lastNumber);
  marks.fence = Math.max(marks.fence, state.lastFence);
  return found;
}

/** The sentence is made only where it is needed: nearly never. */
type Say = (isWrong: boolean, what: () => string) => void;

function nameOf({ taskId, number, state }: Job): string {
  return `job ${number} of ${taskId} (${state})`;
}

/** Counters count what is there; ids name what is there, and the reverse. */
function checkTask(task: Task, say: Say): void {
  const counted = { scheduled: 0, ready: 0, running: 0, completed: 0, dead: 0, cancelled: 0 };
  for (const { state } of task.jobs.values()) counted[state] += 1;
  for (const [state, count] of Object.entries(task.there)) {
    const there = counted[state as Job["state"]];
    say(count !== there, () => `${task.name} counts ${count} ${state}, and has ${there}`);
  }
  for (const [id, known] of task.ids) {
    const job = task.jobs.get(known.number);
    if (known.state !== null) {
      say(
        job !== undefined && job.state !== known.state,
        () => `id ${id} ended otherwise than its job`,
      );
      continue;
    }
    say(
      job === undefined || isEnded(job.state),
      () => `id ${id} of ${task.name} names no living job`,
    );
    say(
      job !== undefined && job.id !== id,
      () => `id ${id} of ${task.name} names the job of another`,
    );
  }
  for (const job of task.jobs.values()) {
    if (job.id === null || isEnded(job.state)) continue;
    say(task.ids.get(job.id)?.number !== job.number, () => `no id leads to ${nameOf(job)}`);
  }
}

/** What belongs to a state is there, and nothing of another state. */
function checkJob(state: State, job: Job, say: Say): void {
  const isRunning = job.state === "running";
  const lease = job.fence === null ? undefined : state.leases.get(job.fence);
  say(isRunning !== (job.fence !== null), () => `${nameOf(job)}: its fence is ${job.fence}`);
  say(isRunning && lease === undefined, () => `${nameOf(job)}: no lease ${job.fence}`);
  say(
    lease !== undefined && !lease.numbers.has(job.number),
    () => `${nameOf(job)}: unknown to its lease`,
  );
  say(job.cancelling && !isRunning, () => `${nameOf(job)}: marked as cancelled, and does not run`);
  say(
    (job.state === "scheduled") !== (job.dueAt !== null),
    () => `${nameOf(job)}: due at ${job.dueAt}`,
  );
  say(
    job.state === "ready" && job.place === null,
    () => `${nameOf(job)}: stands nowhere in the line`,
  );
  say(
    isEnded(job.state) !== (job.endedAt !== null),
    () => `${nameOf(job)}: ended at ${job.endedAt}`,
  );
  say(isEnded(job.state) && job.schedule !== null, () => `${nameOf(job)}: counts as open`);
  say(job.number > state.lastNumber, () => `${nameOf(job)}: its number was never given`);
  say((job.fence ?? 0) > state.lastFence, () => `${nameOf(job)}: its fence was never given`);
  if (job.schedule === null) return;
  const schedule = [...state.schedules.values()].find(({ number }) => number === job.schedule);
  say(
    schedule?.open.includes(job.number) !== true,
    () => `${nameOf(job)}: its schedule does not know it`,
  );
}

/** A lease has jobs, and each of them runs under it. */
function checkLeases(state: State, say: Say): void {
  for (const { fence, taskId, numbers } of state.leases.values()) {
    say(numbers.size === 0, () => `lease ${fence} has no jobs`);
    say(fence > state.lastFence, () => `lease ${fence} was never given`);
    for (const number of numbers) {
      const job = state.tasks.get(taskId)?.jobs.get(number);
      say(
        job?.fence !== fence,
        () => `lease ${fence} holds ${number}, which does not run under it`,
      );
    }
  }
}

/** Each occurrence fires once; what waits waits for somebody. */
function checkSchedules(state: State, say: Say): void {
  for (const schedule of state.schedules.values()) {
    const { id, open, buffered, everFired, taskId } = schedule;
    const isTwice = new Set(everFired).size < everFired.length;
    say(isTwice, () => `schedule ${id} fired an instant twice: ${everFired.join(", ")}`);
    say(buffered.length > 0 && open.length === 0, () => `occurrences of ${id} wait for nobody`);
    for (const number of open) {
      const job = state.tasks.get(taskId)?.jobs.get(number);
      say(job?.schedule !== schedule.number, () => `schedule ${id} counts ${number} as open`);
    }
  }
}
