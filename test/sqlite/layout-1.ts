/** The layout of the first release, as it made it: what an upgrade finds. */

export const LAYOUT_1: string = `
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

PRAGMA application_id = 1936552241;
PRAGMA user_version = 1;
`;
