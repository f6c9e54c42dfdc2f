-- Runs are found by what they wait for. Each of these indexes holds only the rows that have its
-- column set, so none grows with history except the last three.
CREATE TABLE runs (
  ordinal INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL, state TEXT NOT NULL, open_in TEXT,
  lane TEXT, due_us INTEGER, deadline_us INTEGER, awaits TEXT, active INTEGER, dead INTEGER,
  key_name TEXT, unique_name TEXT, ended_us INTEGER,
  version INTEGER NOT NULL, doc BLOB NOT NULL);
CREATE INDEX runs_open ON runs (open_in) WHERE open_in IS NOT NULL;
CREATE INDEX runs_lane ON runs (lane, ordinal) WHERE lane IS NOT NULL;
CREATE INDEX runs_due ON runs (due_us) WHERE due_us IS NOT NULL;
CREATE INDEX runs_deadline ON runs (deadline_us) WHERE deadline_us IS NOT NULL;
CREATE INDEX runs_awaits ON runs (awaits) WHERE awaits IS NOT NULL;
CREATE INDEX runs_active ON runs (active) WHERE active IS NOT NULL;
CREATE INDEX runs_dead ON runs (dead, ordinal) WHERE dead IS NOT NULL;
CREATE INDEX runs_unique ON runs (unique_name) WHERE unique_name IS NOT NULL;
CREATE INDEX runs_key ON runs (key_name) WHERE key_name IS NOT NULL;
CREATE INDEX runs_ended ON runs (ended_us) WHERE ended_us IS NOT NULL;
CREATE INDEX runs_owner ON runs (owner, ordinal);
CREATE TABLE schedules (
  ordinal INTEGER PRIMARY KEY AUTOINCREMENT, environment TEXT NOT NULL, app TEXT NOT NULL,
  name TEXT NOT NULL, due_us INTEGER,
  version INTEGER NOT NULL, doc BLOB NOT NULL, UNIQUE (environment, app, name));
CREATE INDEX schedules_due ON schedules (due_us) WHERE due_us IS NOT NULL;
CREATE TABLE queue_holds (
  ordinal INTEGER PRIMARY KEY AUTOINCREMENT, environment TEXT NOT NULL, app TEXT NOT NULL,
  name TEXT NOT NULL,
  version INTEGER NOT NULL, doc BLOB NOT NULL, UNIQUE (environment, app, name));
