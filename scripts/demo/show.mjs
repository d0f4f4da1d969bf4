/** What happens in the demo, act by act. Every wait is for an event, and bounded. */
import { setTimeout as pause } from "node:timers/promises";
import { createScheduler } from "schedule-mq";
import { Worker } from "./cast.mjs";
import { event, line, paint } from "./screen.mjs";
import { openStore } from "./stores.mjs";
import { judge } from "./verdict.mjs";

/** @typedef {import("./cast.mjs").Event} Event */

/** Longer than anything here takes, on a slow machine, too. */
const PATIENCE_MS = 20_000;
const MAIL_WAIT_MS = 1_500;

/**
 * @param {{ redis?: boolean, cluster?: boolean }} options
 * @returns {Promise<number>} the exit code
 */
export async function show(options) {
  const store = await openStore(options);
  const stage = new Stage(store.where);
  const stopped = new Promise((_, reject) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
      process.once(signal, () => reject(new Error(`stopped by ${signal}`)));
    }
  });
  try {
    line(`Two workers and one program that pushes, all on ${store.description}.`);
    line();
    await Promise.race([stage.play(), stopped]);
    return summary(stage);
  } finally {
    await stage.clear();
    await store.close();
  }
}

/** @param {Stage} stage */
function summary(stage) {
  const findings = judge(stage);
  line();
  for (const { holds, text } of findings) {
    line(`${holds ? paint("green", "✓") : paint("red", "✗ NOT AS PROMISED")} ${text}`);
  }
  return findings.every(({ holds }) => holds) ? 0 : 1;
}

/** The play, and what verdict.mjs wants to know of it. */
class Stage {
  /** @type {Event[]} */
  events = [];
  remindDueAt = Number.POSITIVE_INFINITY;
  mailWaitMs = MAIL_WAIT_MS;
  /** @type {import("./verdict.mjs").Story["killed"]} */
  killed = null;
  /** @type {import("./verdict.mjs").Story["reports"]} */
  reports = null;
  cleanExit = false;
  /** @type {Worker[]} */
  #workers = [];
  #where;
  #scheduler;

  /** @param {import("schedule-mq").SchedulerOptions} where */
  constructor(where) {
    this.#where = where;
    // Never started: it only pushes, and looks at what became of the jobs.
    this.#scheduler = createScheduler({ ...where, logger: false });
  }

  async play() {
    await this.#start();
    await this.#pushes();
    await this.#crash();
    await this.#end();
  }

  async #start() {
    for (const name of ["worker 1", "worker 2"]) this.#hire(name);
    await this.#until(() => this.#count("ready") === 2, "both workers are ready");
    this.#say("a cron task is due every second; both workers have registered it");
    await this.#until(() => this.#count("tick") >= 2, "two ticks");
  }

  async #pushes() {
    const scheduler = this.#scheduler;
    const { dueAt } = await scheduler.push("remind", { data: { text: "tea" }, delay: "3s" });
    this.remindDueAt = dueAt ?? Number.POSITIVE_INFINITY;
    this.#say("pushed a reminder with a delay of 3 s");
    await scheduler.push("mail", { retry: true, retryTimeout: MAIL_WAIT_MS });
    this.#say(`pushed a mail that fails once, with retry after ${MAIL_WAIT_MS / 1_000} s`);
    const isSent = () => this.events.some(({ task, done }) => task === "mail" && done);
    await this.#until(isSent, "the mail");
    await this.#until(() => this.#count("remind") > 0, "the reminder");
  }

  async #crash() {
    await this.#scheduler.push("report", { retry: true, retryTimeout: "1s" });
    this.#say("pushed a report, with retry");
    const step = await this.#until(
      () => this.events.find((said) => said.task === "report" && said.step === 2),
      "the middle of the report",
    );
    // Not around a full second: no tick is to run in the process that dies.
    const pastMs = Date.now() % 1_000;
    if (pastMs < 150 || pastMs > 850) await pause((1_150 - pastMs) % 1_000);
    const victim = this.#workers.find(({ pid }) => pid === step.pid);
    await victim?.kill();
    this.killed = { pid: step.pid, name: step.worker, at: Date.now() };
    this.#say(`killed ${step.worker} (pid ${step.pid}) with SIGKILL, in the middle of the report`);
    this.#say("until its lease of 2 s is over, nobody may take the report over");
    const isDone = () => this.events.some(({ task, done }) => task === "report" && done);
    await this.#until(isDone, "the report by the other worker");
  }

  async #end() {
    const seen = this.#count("tick");
    await this.#until(() => this.#count("tick") > seen, "one more tick");
    const isCounted = async () => {
      this.reports = await this.#scheduler.jobs.counts("report");
      return this.reports.total.completed === 1;
    };
    await this.#until(isCounted, "the report is completed in the store");
    const survivor = this.#workers.find(({ ended }) => ended === null);
    this.#say(`asks ${survivor?.name} to stop`);
    await survivor?.stop();
    this.cleanExit = survivor?.ended?.code === 0;
  }

  /** Ends what is left, however the play has ended. */
  async clear() {
    for (const worker of this.#workers) if (worker.ended === null) await worker.kill();
    await this.#scheduler.stop();
  }

  /** @param {string} name */
  #hire(name) {
    const worker = new Worker(name, this.#where, (said) => {
      this.events.push(said);
      const what = said.task === "ready" ? `ready, pid ${said.pid}` : said.text;
      event(said.at, name, what);
    });
    this.#workers.push(worker);
  }

  /** @param {string} text */
  #say(text) {
    event(Date.now(), "demo", text);
  }

  /** @param {Event["task"]} task */
  #count(task) {
    return this.events.filter((said) => said.task === task).length;
  }

  /**
   * @template T
   * @param {() => T | Promise<T>} holds
   * @param {string} what
   * @returns {Promise<NonNullable<T>>}
   */
  async #until(holds, what) {
    const end = performance.now() + PATIENCE_MS;
    for (;;) {
      const answer = await holds();
      if (answer) return answer;
      const dead = this.#workers.find((one) => one.ended !== null && one.pid !== this.killed?.pid);
      if (dead !== undefined) throw new Error(`${dead.name} ended without being asked to`);
      if (performance.now() > end) throw new Error(`waited in vain for: ${what}`);
      await pause(20);
    }
  }
}
