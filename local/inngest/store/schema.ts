/**
 * The schema, as the steps that lead to it: a database of version n has had the first n. A step is never changed once
 * it was released; a new version adds one at the end.
 *
 * Times are milliseconds since the epoch, JSON is text.
 * `queue` holds everything that becomes due: calls of the app, sleeps, timeouts, debounces, batches and crons.
 * `pauses` holds what an event or a signal can wake: waits, invokes and cancellations.
 * `steps` needs its rowid: results are large, and a key search in a table without one reads whole rows.
 * `batched_events` leads from every event of a batch but the first, which is `runs.event_id`, to its run.
 * A run has work pending exactly when one of the two names a step of it.
 */
export const MIGRATIONS: readonly string[] = [
  `
CREATE TABLE apps (
  name TEXT PRIMARY KEY, url TEXT NOT NULL, sdk TEXT NOT NULL, synced_at INTEGER NOT NULL
) STRICT;
CREATE TABLE functions (
  id TEXT PRIMARY KEY, app TEXT NOT NULL REFERENCES apps(name), config TEXT NOT NULL
) STRICT;
CREATE TABLE events (
  id TEXT PRIMARY KEY, external_id TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL,
  received_at INTEGER NOT NULL
) STRICT;
CREATE INDEX events_external ON events(external_id);
CREATE TABLE runs (
  id TEXT PRIMARY KEY, function_id TEXT NOT NULL, event_id TEXT NOT NULL, events TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('Running', 'Completed', 'Failed', 'Cancelled')),
  cron TEXT, correlation_id TEXT, slots TEXT NOT NULL, version INTEGER NOT NULL DEFAULT -1,
  state_bytes INTEGER NOT NULL DEFAULT 0, step_count INTEGER NOT NULL DEFAULT 0, output TEXT,
  created_at INTEGER NOT NULL, ended_at INTEGER
) STRICT;
CREATE INDEX runs_event ON runs(event_id);
CREATE INDEX runs_ended ON runs(ended_at);
CREATE INDEX runs_function ON runs(function_id, status);
CREATE TABLE steps (
  run_id TEXT NOT NULL, step_id TEXT NOT NULL, op TEXT NOT NULL, name TEXT NOT NULL,
  result TEXT NOT NULL, attempts INTEGER NOT NULL, created_at INTEGER NOT NULL,
  PRIMARY KEY (run_id, step_id)
) STRICT;
CREATE TABLE queue (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL CHECK (kind IN ('call', 'sleep', 'timeout', 'cron')),
  run_id TEXT, step_id TEXT, function_id TEXT, payload TEXT, due_at INTEGER NOT NULL,
  attempt INTEGER NOT NULL DEFAULT 0, failures INTEGER NOT NULL DEFAULT 0,
  again INTEGER NOT NULL DEFAULT 0, race INTEGER NOT NULL DEFAULT 0, name TEXT NOT NULL DEFAULT '',
  last_error TEXT
) STRICT;
CREATE INDEX queue_due ON queue(due_at);
CREATE INDEX queue_run ON queue(run_id);
CREATE TABLE pauses (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL CHECK (kind IN ('wait', 'invoke', 'cancel')),
  run_id TEXT NOT NULL, step_id TEXT, event TEXT, expression TEXT, vars TEXT,
  match_path TEXT, match_value TEXT, expires_at INTEGER, race INTEGER NOT NULL DEFAULT 0,
  name TEXT NOT NULL DEFAULT '', created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX pauses_event ON pauses(event, match_path, match_value);
CREATE INDEX pauses_run ON pauses(run_id);
CREATE TABLE idempotency (
  key TEXT PRIMARY KEY, run_id TEXT NOT NULL, expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`,
  // Flow control, signals and metadata. The kinds of queue items and pauses are no longer listed here: the types are.
  `
ALTER TABLE runs ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN started_at INTEGER;
ALTER TABLE runs ADD COLUMN singleton TEXT;
CREATE INDEX runs_singleton ON runs(singleton) WHERE singleton IS NOT NULL AND status = 'Running';
CREATE TABLE queue_2 (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, run_id TEXT, step_id TEXT, function_id TEXT, payload TEXT,
  due_at INTEGER NOT NULL, attempt INTEGER NOT NULL DEFAULT 0, failures INTEGER NOT NULL DEFAULT 0,
  again INTEGER NOT NULL DEFAULT 0, race INTEGER NOT NULL DEFAULT 0, name TEXT NOT NULL DEFAULT '',
  last_error TEXT
) STRICT;
INSERT INTO queue_2 SELECT * FROM queue;
DROP TABLE queue;
ALTER TABLE queue_2 RENAME TO queue;
CREATE INDEX queue_due ON queue(due_at);
CREATE INDEX queue_run ON queue(run_id);
CREATE TABLE pauses_2 (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, run_id TEXT NOT NULL, step_id TEXT, event TEXT, expression TEXT, vars TEXT,
  match_path TEXT, match_value TEXT, expires_at INTEGER, race INTEGER NOT NULL DEFAULT 0,
  name TEXT NOT NULL DEFAULT '', created_at INTEGER NOT NULL, signal TEXT
) STRICT;
INSERT INTO pauses_2 SELECT *, NULL FROM pauses;
DROP TABLE pauses;
ALTER TABLE pauses_2 RENAME TO pauses;
CREATE INDEX pauses_event ON pauses(event, match_path, match_value);
CREATE INDEX pauses_run ON pauses(run_id);
CREATE UNIQUE INDEX pauses_signal ON pauses(signal) WHERE signal IS NOT NULL;
CREATE TABLE batched_events (
  event_id TEXT NOT NULL, run_id TEXT NOT NULL, PRIMARY KEY (event_id, run_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX batched_events_run ON batched_events(run_id);
CREATE TABLE rates (
  key TEXT PRIMARY KEY, free_at REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE metadata (
  id INTEGER PRIMARY KEY, run_id TEXT NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX metadata_run ON metadata(run_id);
`,
  // The value that a wait is found by is kept as JSON, so that it can be a number, too.
  "UPDATE pauses SET match_value = json_quote(match_value) WHERE match_value IS NOT NULL",
];
