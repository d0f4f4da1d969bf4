/** The layout of the database, its version, and its creation by whichever process comes first. */
import { SchedulerError } from "../../core/errors.js";
import type { Connection } from "./connection.js";

/** Raised when a file can no longer be read by older versions of the library. */
export const LAYOUT_VERSION = 3;

/** Says in the file's header that the database is ours ("smq1"). */
const APPLICATION_ID = 0x73_6d_71_31;

/** The states of jobs as stored. Not 0 and 1, so that a change of state keeps the row's size. */
export const STATE = {
  ready: 2,
  scheduled: 3,
  running: 4,
  completed: 5,
  dead: 6,
  cancelled: 7,
} as const;

/** What schedules need beside the columns of `space` and `job`; made anew by an upgrade. */
const SCHEDULES = `
CREATE TABLE schedule (
  number INTEGER PRIMARY KEY, space INTEGER NOT NULL, id TEXT NOT NULL, task INTEGER NOT NULL,
  code INTEGER NOT NULL, definition TEXT NOT NULL, digest TEXT NOT NULL, payload TEXT NOT NULL,
  rules TEXT NOT NULL, overlap TEXT NOT NULL, local INTEGER NOT NULL, jitter_ms INTEGER NOT NULL,
  generation INTEGER NOT NULL, revision INTEGER NOT NULL DEFAULT 1, next_at INTEGER,
  decided_at INTEGER NOT NULL DEFAULT 0, fired_count INTEGER NOT NULL DEFAULT 0, pause TEXT,
  offers TEXT NOT NULL DEFAULT '[]', registered_at INTEGER NOT NULL DEFAULT 0, wake_at INTEGER,
  UNIQUE (space, id)
) STRICT;
CREATE INDEX schedule_task ON schedule (task, id);
CREATE INDEX schedule_wake ON schedule (task, wake_at) WHERE local = 0 AND wake_at IS NOT NULL;
CREATE INDEX schedule_local ON schedule (space, id, wake_at)
  WHERE local = 1 AND wake_at IS NOT NULL;

CREATE TABLE ledger (
  place INTEGER PRIMARY KEY, schedule INTEGER NOT NULL, kind INTEGER NOT NULL,
  from_at INTEGER NOT NULL, to_at INTEGER NOT NULL, occurrences INTEGER NOT NULL,
  decided_at INTEGER NOT NULL, word TEXT NOT NULL, job_id TEXT, instance TEXT NOT NULL
) STRICT;
CREATE INDEX ledger_row ON ledger (schedule, kind, place);

CREATE TABLE buffered (
  place INTEGER PRIMARY KEY, schedule INTEGER NOT NULL, scheduled_for INTEGER NOT NULL,
  catchup INTEGER NOT NULL, missed INTEGER NOT NULL, how TEXT NOT NULL, job_id TEXT
) STRICT;
CREATE INDEX buffered_line ON buffered (schedule, place);
CREATE INDEX buffered_id ON buffered (schedule, job_id) WHERE job_id IS NOT NULL;

CREATE TABLE registrant_set (
  space INTEGER NOT NULL, digest TEXT NOT NULL, ends_at INTEGER NOT NULL,
  PRIMARY KEY (space, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX registrant_set_end ON registrant_set (space, ends_at);

CREATE TABLE sleeper (
  identity TEXT PRIMARY KEY, space INTEGER NOT NULL, process TEXT NOT NULL, tasks TEXT NOT NULL,
  fires TEXT NOT NULL, fires_local TEXT NOT NULL, cause TEXT, wake_at INTEGER,
  poll_ms INTEGER NOT NULL, valid_until INTEGER NOT NULL, woken TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX sleeper_space ON sleeper (space, valid_until);

CREATE INDEX job_open ON job (schedule) WHERE schedule IS NOT NULL;
`;

/**
 * `space`: one application (a prefix) in the file. `task.ready` … `task.cancelled` count what is
 * there now, `all_*` what has been. A ready job stands in `lane` 1 when it must run alone.
 * `job.schedule`: the schedule that counts this job as open; null: none, or it has ended.
 * Every index holds only the jobs that its question is about.
 */
const LAYOUT = `
CREATE TABLE file (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  last_number INTEGER NOT NULL, last_fence INTEGER NOT NULL, rollback_until INTEGER NOT NULL,
  birth TEXT NOT NULL DEFAULT ''
) STRICT;
INSERT INTO file VALUES (1, 0, 0, 0, '');

CREATE TABLE space (
  id INTEGER PRIMARY KEY, prefix TEXT NOT NULL UNIQUE,
  noted_at INTEGER NOT NULL DEFAULT 0, grace_from INTEGER NOT NULL DEFAULT 0,
  reservations TEXT NOT NULL DEFAULT '[]',
  registrations INTEGER NOT NULL DEFAULT 0, registrant_noted_at INTEGER NOT NULL DEFAULT 0,
  registrant_grace_until INTEGER NOT NULL DEFAULT 0, judged_at INTEGER NOT NULL DEFAULT 0,
  hold_until INTEGER NOT NULL DEFAULT 0, hold_key TEXT NOT NULL DEFAULT '',
  tended_at INTEGER NOT NULL DEFAULT 0, tended_to TEXT NOT NULL DEFAULT '',
  mended_to TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE task (
  id INTEGER PRIMARY KEY, space INTEGER NOT NULL, name TEXT NOT NULL,
  ready INTEGER NOT NULL DEFAULT 0, scheduled INTEGER NOT NULL DEFAULT 0,
  running INTEGER NOT NULL DEFAULT 0, completed INTEGER NOT NULL DEFAULT 0,
  dead INTEGER NOT NULL DEFAULT 0, cancelled INTEGER NOT NULL DEFAULT 0,
  ended_ids INTEGER NOT NULL DEFAULT 0,
  all_pushed INTEGER NOT NULL DEFAULT 0, all_completed INTEGER NOT NULL DEFAULT 0,
  all_dead INTEGER NOT NULL DEFAULT 0, all_cancelled INTEGER NOT NULL DEFAULT 0,
  all_failures INTEGER NOT NULL DEFAULT 0, all_crashes INTEGER NOT NULL DEFAULT 0,
  all_dropped INTEGER NOT NULL DEFAULT 0,
  UNIQUE (space, name)
) STRICT;

CREATE TABLE job (
  number INTEGER PRIMARY KEY, task INTEGER NOT NULL, state INTEGER NOT NULL,
  lane INTEGER NOT NULL DEFAULT 0, priority INTEGER NOT NULL, place INTEGER,
  due_at INTEGER, fence INTEGER, cancelling INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0, crashes INTEGER NOT NULL DEFAULT 0,
  hand_offs INTEGER NOT NULL DEFAULT 0, crashes_in_row INTEGER NOT NULL DEFAULT 0,
  invalid_in_row INTEGER NOT NULL DEFAULT 0,
  pushed_at INTEGER NOT NULL, ended_at INTEGER, reason TEXT, error TEXT, result TEXT,
  progress TEXT, head TEXT NOT NULL, payload TEXT NOT NULL, schedule INTEGER
) STRICT;
CREATE INDEX job_ready ON job (task, lane, priority, place) WHERE state = 2;
CREATE INDEX job_alone ON job (task) WHERE state = 2 AND lane = 1;
CREATE INDEX job_due ON job (task, due_at, number) WHERE state = 3;
CREATE INDEX job_running ON job (task, fence, number) WHERE state = 4;
CREATE INDEX job_cancelling ON job (fence) WHERE state = 4 AND cancelling = 1;
CREATE INDEX job_ended ON job (task, state, ended_at, number) WHERE state >= 5;

CREATE TABLE known_id (
  task INTEGER NOT NULL, id TEXT NOT NULL, number INTEGER NOT NULL,
  state INTEGER, ended_at INTEGER, keep_until INTEGER, PRIMARY KEY (task, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX known_id_ended ON known_id (task, ended_at) WHERE state IS NOT NULL;
CREATE INDEX known_id_until ON known_id (task, keep_until) WHERE state IS NOT NULL;

CREATE TABLE lease (
  fence INTEGER PRIMARY KEY, space INTEGER NOT NULL, task INTEGER NOT NULL,
  owner TEXT NOT NULL, ends_at INTEGER NOT NULL, length_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX lease_end ON lease (space, ends_at, length_ms);
CREATE INDEX lease_length ON lease (space, length_ms);

${SCHEDULES}
PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = ${LAYOUT_VERSION};
`;

/** From layout 1: jobs stay; schedules are registered again, and sleepers look again. */
const FROM_1 = `
DROP TABLE schedule;
DROP TABLE sleeper;
ALTER TABLE file ADD COLUMN birth TEXT NOT NULL DEFAULT '';
ALTER TABLE space ADD COLUMN registrations INTEGER NOT NULL DEFAULT 0;
ALTER TABLE space ADD COLUMN registrant_noted_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE space ADD COLUMN registrant_grace_until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE space ADD COLUMN judged_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE space ADD COLUMN hold_until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE space ADD COLUMN hold_key TEXT NOT NULL DEFAULT '';
ALTER TABLE space ADD COLUMN tended_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE space ADD COLUMN tended_to TEXT NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN schedule INTEGER;
${SCHEDULES}
`;

/** From layout 2: an urgent walk through the schedules has its place; nobody drains any more. */
const FROM_2 = `
UPDATE space SET reservations = '[]';
ALTER TABLE space ADD COLUMN mended_to TEXT NOT NULL DEFAULT '';
`;

/** What opening has to do: `make` the layout, `upgrade` an older one, or nothing. */
export type LayoutTask = "make" | "upgrade" | null;

/** What has to be done to the layout; refuses files that are newer or not ours. Only reads. */
export function layoutTask(connection: Connection, path: string): LayoutTask {
  const version = connection.pragma("user_version") as number;
  const application = connection.pragma("application_id") as number;
  if (application === APPLICATION_ID) {
    if (version < LAYOUT_VERSION) return "upgrade";
    if (version === LAYOUT_VERSION) return null;
    throw new SchedulerError(
      "LAYOUT_NEWER",
      `the store ${path} has layout ${version}; this schedule-mq knows up to ${LAYOUT_VERSION}`,
      { value: version, fix: "update schedule-mq here, or give this process a store of its own" },
    );
  }
  const tables = connection.get<{ n: number }>("SELECT count(*) AS n FROM sqlite_schema")?.n ?? 0;
  if (application === 0 && version === 0 && tables === 0) return "make";
  throw new SchedulerError(
    "STORE_DAMAGED",
    `the file ${path} is a SQLite database of something else`,
    { value: path, fix: "give the store a path of its own" },
  );
}

/** Does it, unless another process just did. The connection is in no transaction. */
export function prepareLayout(
  connection: Connection,
  { path, birth }: { path: string; birth: string },
): void {
  connection.begin("durable");
  try {
    const task = layoutTask(connection, path);
    if (task !== null) {
      connection.exec(task === "make" ? LAYOUT : upgradeOf(connection));
      connection.run("UPDATE file SET birth = ? WHERE birth = ''", birth);
    }
    connection.commit();
  } catch (error) {
    connection.rollback();
    throw error;
  }
}

function upgradeOf(connection: Connection): string {
  const version = connection.pragma("user_version") as number;
  return `${version < 2 ? FROM_1 : ""}${FROM_2} PRAGMA user_version = ${LAYOUT_VERSION};`;
}
