/**
 * The account of jobs that have not ended, and what is told to those who look: what the server
 * counts, lists and shows is what was done to it.
 */
import type {
  FireOutcome,
  JobPage,
  JobRef,
  JobView,
  ListArgs,
  TaskCounts,
} from "../../src/store/contract.js";

export type Reading =
  | { verb: "counts"; args: { taskId: string }; answer: TaskCounts }
  | { verb: "list"; args: ListArgs; answer: JobPage }
  | { verb: "get"; args: JobRef; answer: JobView | null };

interface ReadingAt {
  at: number;
  /** Ids that run, and their fences. */
  held: (taskId: string) => ReadonlyMap<string, string>;
}

const OPEN: ReadonlySet<string> = new Set(["ready", "scheduled", "running"]);

export class OpenJobs {
  readonly #vague: ReadonlySet<string>;
  readonly #broken: (what: string, at: number) => void;
  readonly #open = new Map<string, Set<string>>();

  /** `vague`: tasks with jobs that come and end unseen. */
  constructor(vague: ReadonlySet<string>, broken: (what: string, at: number) => void) {
    this.#vague = vague;
    this.#broken = broken;
  }

  made(taskId: string, id: string): void {
    this.#of(taskId).add(id);
  }

  ended(taskId: string, id: string): void {
    this.#of(taskId).delete(id);
  }

  firedOf(taskId: string, outcome: FireOutcome): void {
    if (outcome.kind === "fired" && outcome.job.created) this.made(taskId, outcome.job.id);
  }

  read({ verb, args, answer }: Reading, { at, held }: ReadingAt): void {
    const { taskId } = args;
    const running = held(taskId);
    const tell = (what: string): void => this.#broken(`${verb} of ${taskId}: ${what}`, at);
    if (verb === "counts") this.#counted(taskId, answer, { running: running.size, tell });
    else if (verb === "get") {
      if (answer !== null) this.#seen(answer, running, tell);
      else if (this.#isOpen(taskId, args.id)) tell(`${args.id} is open, and not known`);
    } else {
      for (const view of answer.jobs) {
        if (view.state !== args.state) tell(`${view.id} is ${view.state}, not ${args.state}`);
        this.#seen(view, running, tell);
      }
      if (new Set(answer.jobs.map(({ id }) => id)).size < answer.jobs.length) tell("one twice");
      const isAll = args.cursor === null && answer.cursor === null && args.state === "running";
      if (isAll && answer.jobs.length !== running.size) {
        tell(`${answer.jobs.length} run, and ${running.size} are held`);
      }
    }
  }

  #counted(
    taskId: string,
    counts: TaskCounts,
    { running, tell }: { running: number; tell: (what: string) => void },
  ): void {
    if (counts.running !== running) tell(`${counts.running} run, and ${running} are held`);
    const open = counts.ready + counts.scheduled + counts.running;
    const known = this.#of(taskId).size;
    if (!this.#vague.has(taskId) && open !== known) tell(`${open} are open, and ${known} should`);
  }

  #seen(
    { taskId, id, state, fence }: JobView,
    running: ReadonlyMap<string, string>,
    tell: (what: string) => void,
  ): void {
    const holder = running.get(id) ?? null;
    if (holder !== fence || (holder !== null) !== (state === "running")) {
      tell(`${id} is ${state} under ${fence}, and was claimed under ${holder}`);
    }
    if (this.#vague.has(taskId)) return;
    const isOpen = this.#isOpen(taskId, id);
    if (isOpen !== OPEN.has(state)) tell(`${id} is ${state}, and ${isOpen ? "open" : "ended"}`);
  }

  #isOpen(taskId: string, id: string): boolean {
    return !this.#vague.has(taskId) && this.#of(taskId).has(id);
  }

  #of(taskId: string): Set<string> {
    let open = this.#open.get(taskId);
    if (open === undefined) {
      open = new Set();
      this.#open.set(taskId, open);
    }
    return open;
  }
}
