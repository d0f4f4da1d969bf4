/** Whether everything happened as promised, from what the workers said and how they ended. */

/** @typedef {import("./cast.mjs").Event} Event */
/** @typedef {{ holds: boolean, text: string }} Finding */

/**
 * @typedef {object} Story
 * @property {Event[]} events
 * @property {number} remindDueAt when the delayed job was due, by the store's clock
 * @property {number} mailWaitMs the least wait between the attempts
 * @property {{ pid: number, name: string, at: number } | null} killed
 * @property {import("schedule-mq").JobCountsInfo | null} reports
 * @property {boolean} cleanExit
 */

/**
 * @param {Story} story
 * @returns {Finding[]}
 */
export function judge(story) {
  return [ticks(story), reminder(story), mail(story), report(story), stop(story)];
}

/**
 * @param {Story} story
 * @param {Event["task"]} task
 */
const of = ({ events }, task) => events.filter((event) => event.task === task);

/** @param {Story} story */
function ticks(story) {
  const instants = of(story, "tick").map(({ scheduledFor = 0 }) => scheduledFor);
  instants.sort((a, b) => a - b);
  const [first = 0] = instants;
  const holds = instants.length > 1 && instants.every((at, n) => at === first + n * 1_000);
  const text = holds
    ? `cron: ${instants.length} seconds, two processes; each fired once, none was missed`
    : `cron: the seconds that fired were ${instants.join(" ")}`;
  return { holds, text };
}

/** @param {Story} story */
function reminder(story) {
  const runs = of(story, "remind");
  const [run] = runs;
  const lateMs = run === undefined ? Number.NaN : run.at - story.remindDueAt;
  const holds = runs.length === 1 && lateMs >= 0;
  const text = holds
    ? `delayed: ran once, ${lateMs} ms after it was due, never before`
    : `delayed: ran ${runs.length} times, ${lateMs} ms after it was due`;
  return { holds, text };
}

/** @param {Story} story */
function mail(story) {
  const [first, second, ...more] = of(story, "mail");
  const waitMs = first && second ? second.at - first.at : Number.NaN;
  const isAgain = second?.attempt === 2 && second.jobId === first?.jobId && second.done === true;
  const holds = isAgain && more.length === 0 && waitMs >= story.mailWaitMs;
  const text = holds
    ? `retry: failed once, sent on attempt 2, ${seconds(waitMs)} later`
    : `retry: ${more.length + Number(Boolean(first)) + Number(Boolean(second))} attempts`;
  return { holds, text };
}

/** @param {Story} story */
function report(story) {
  const { killed, reports } = story;
  const [again] = of(story, "report").filter(({ attempt }) => attempt === 2);
  const done = of(story, "report").filter((event) => event.done);
  const isOther = again !== undefined && killed !== null && again.pid !== killed.pid;
  const isCounted = reports?.total.completed === 1 && reports.total.crashes === 1;
  if (!isOther || done.length !== 1 || done[0]?.pid !== again.pid || !isCounted) {
    return { holds: false, text: "take-over: the job of the killed process was not completed" };
  }
  const taken = `${again.worker} took its job over ${seconds(again.at - killed.at)} later`;
  return { holds: true, text: `take-over: ${killed.name} was killed; ${taken} and completed it` };
}

/** @param {Story} story */
function stop({ cleanExit }) {
  const text = cleanExit ? "stop: exit code 0" : "stop: the last worker did not end cleanly";
  return { holds: cleanExit, text };
}

/** @param {number} ms */
function seconds(ms) {
  return `${(ms / 1_000).toFixed(1)} s`;
}
