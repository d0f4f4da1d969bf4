/** What has to be true of the tables of the SQLite store at any time, asked of SQLite itself. */

type Ask = (sql: string) => Record<string, unknown>[];

/** Each finds rows that must not be there. */
const NEVER: Record<string, string> = {
  "a running job without a lease":
    "SELECT number FROM job WHERE state = 4 AND fence NOT IN (SELECT fence FROM lease)",
  "a fence on a job that does not run":
    "SELECT number FROM job WHERE state < 4 AND fence IS NOT NULL",
  "a lease without a job":
    "SELECT fence FROM lease WHERE fence NOT IN (SELECT fence FROM job WHERE state = 4)",
  "a lease of another task than its jobs":
    "SELECT number FROM job, lease WHERE state = 4 AND job.fence = lease.fence " +
    "AND job.task <> lease.task",
  "a ready job without a place": "SELECT number FROM job WHERE state = 2 AND place IS NULL",
  "a due time where none belongs, or none where one does":
    "SELECT number FROM job WHERE (state = 3) <> (due_at IS NOT NULL)",
  "an ended job without its end":
    "SELECT number FROM job WHERE (state >= 5) <> (ended_at IS NOT NULL)",
  "an ended job that its schedule counts as open":
    "SELECT number FROM job WHERE state >= 5 AND schedule IS NOT NULL",
  "an id of a job that is not there and has not ended":
    "SELECT id FROM known_id WHERE state IS NULL AND number NOT IN (SELECT number FROM job)",
  "a job that counts wrongly":
    "SELECT name FROM task WHERE " +
    [2, 3, 4, 5, 6, 7]
      .map((state, n) => {
        const name = ["ready", "scheduled", "running", "completed", "dead", "cancelled"][n];
        const own = `job.task = task.id AND state = ${state}`;
        return `${name} <> (SELECT count(*) FROM job WHERE ${own})`;
      })
      .join(" OR "),
  "an occurrence that waits though no job of its schedule is open":
    "SELECT place FROM buffered WHERE schedule NOT IN " +
    "(SELECT schedule FROM job WHERE schedule IS NOT NULL)",
  "a cursor that is not in the index":
    "SELECT id FROM schedule WHERE next_at IS NOT NULL AND wake_at IS NULL AND pause IS NULL",
};

/** What is not as it has to be, a sentence each. */
export function soundness(ask: Ask): string[] {
  return Object.entries(NEVER).flatMap(([what, sql]) => {
    const rows = ask(sql);
    return rows.length === 0 ? [] : [`${what}: ${JSON.stringify(rows.slice(0, 3))}`];
  });
}
