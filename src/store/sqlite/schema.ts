/** The layout of the database, its version, and its creation by whichever process comes first. */
import { SchedulerError } from "../../core/errors.js";
import type { Connection } from "./connection.js";

/** Raised when a file can no longer be read by older versions of the library. */
export const LAYOUT_VERSION = 1;

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

/**
 * `space`: one application (a prefix) in the file. `task.ready` … `task.cancelled` count what is
 * there now, `all_*` what has been. A ready job stands in `lane` 1 when it must run alone.
 * Every index holds only the jobs that its question is about.
 */
const LAYOUT = `
CREATE TABLE file (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  last_number INTEGER NOT NULL, last_fence INTEGER NOT NULL, rollback_until INTEGER NOT NULL
) STRICT;
INSERT INTO file VALUES (1, 0, 0, 0);

CREATE TABLE space (
  id INTEGER PRIMARY KEY, prefix TEXT NOT NULL UNIQUE,
  noted_at INTEGER NOT NULL DEFAULT 0, grace_from INTEGER NOT NULL DEFAULT 0,
  reservations TEXT NOT NULL DEFAULT '[]'
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
  progress TEXT, head TEXT NOT NULL, payload TEXT NOT NULL
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

CREATE TABLE schedule (
  space INTEGER NOT NULL, id TEXT NOT NULL, task INTEGER NOT NULL, definition TEXT NOT NULL,
  revision INTEGER NOT NULL, next_at INTEGER, last_fired_at INTEGER, PRIMARY KEY (space, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX schedule_next ON schedule (space, next_at) WHERE next_at IS NOT NULL;

CREATE TABLE sleeper (
  identity TEXT PRIMARY KEY, space INTEGER NOT NULL, process TEXT NOT NULL, tasks TEXT NOT NULL,
  fires INTEGER NOT NULL, cause TEXT, wake_at INTEGER, poll_ms INTEGER NOT NULL,
  valid_until INTEGER NOT NULL, woken TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX sleeper_space ON sleeper (space, valid_until);

PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = ${LAYOUT_VERSION};
`;

/** True when the layout has to be made; refuses files that are newer or not ours. Only reads. */
export function needsLayout(connection: Connection, path: string): boolean {
  const version = connection.pragma("user_version") as number;
  const application = connection.pragma("application_id") as number;
  if (application === APPLICATION_ID) {
    if (version <= LAYOUT_VERSION) return false;
    throw new SchedulerError(
      "LAYOUT_NEWER",
      `the store ${path} has layout ${version}; this schedule-mq knows up to ${LAYOUT_VERSION}`,
      { value: version, fix: "update schedule-mq here, or give this process a store of its own" },
    );
  }
  const tables = connection.get<{ n: number }>("SELECT count(*) AS n FROM sqlite_schema")?.n ?? 0;
  if (application === 0 && version === 0 && tables === 0) return true;
  throw new SchedulerError(
    "STORE_DAMAGED",
    `the file ${path} is a SQLite database of something else`,
    { value: path, fix: "give the store a path of its own" },
  );
}

/** Makes the layout unless another process just did. The connection is in no transaction. */
export function makeLayout(connection: Connection, path: string): void {
  connection.begin("durable");
  try {
    if (needsLayout(connection, path)) connection.exec(LAYOUT);
    connection.commit();
  } catch (error) {
    connection.rollback();
    throw error;
  }
}
