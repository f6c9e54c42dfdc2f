-- Rows are documents with the columns by which they are asked for. `ordinal` is the order in which
-- they were first put.
CREATE TABLE answers (
  ordinal INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE,
  version INTEGER NOT NULL, doc BLOB NOT NULL);
CREATE TABLE apps (
  ordinal INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,
  version INTEGER NOT NULL, doc BLOB NOT NULL);
CREATE TABLE builds (
  ordinal INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
  app TEXT NOT NULL, source TEXT NOT NULL, state TEXT NOT NULL,
  version INTEGER NOT NULL, doc BLOB NOT NULL);
CREATE INDEX builds_state ON builds (state);
CREATE INDEX builds_source ON builds (app, source);
CREATE TABLE configs (
  ordinal INTEGER PRIMARY KEY AUTOINCREMENT, environment TEXT NOT NULL, app TEXT NOT NULL,
  version INTEGER NOT NULL, doc BLOB NOT NULL, UNIQUE (environment, app));
CREATE TABLE containers (
  ordinal INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
  environment TEXT NOT NULL, app TEXT NOT NULL, retired INTEGER NOT NULL, kind TEXT NOT NULL,
  state TEXT NOT NULL, deployment TEXT, release INTEGER NOT NULL,
  version INTEGER NOT NULL, doc BLOB NOT NULL);
CREATE INDEX containers_member ON containers (environment, retired, app);
CREATE INDEX containers_retired ON containers (retired);
CREATE TABLE deployments (
  ordinal INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
  environment TEXT NOT NULL, app TEXT NOT NULL, is_ended INTEGER NOT NULL,
  version INTEGER NOT NULL, doc BLOB NOT NULL);
CREATE INDEX deployments_member ON deployments (environment, app, is_ended);
CREATE INDEX deployments_ended ON deployments (is_ended);
CREATE TABLE environments (
  ordinal INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL, state TEXT NOT NULL,
  version INTEGER NOT NULL, doc BLOB NOT NULL);
CREATE INDEX environments_name ON environments (name, state);
CREATE INDEX environments_state ON environments (state);
-- A name is held by one environment at a time.
CREATE UNIQUE INDEX environments_held ON environments (name) WHERE state <> 'ended';
CREATE TABLE members (
  ordinal INTEGER PRIMARY KEY AUTOINCREMENT, environment TEXT NOT NULL, app TEXT NOT NULL,
  version INTEGER NOT NULL, doc BLOB NOT NULL, UNIQUE (environment, app));
CREATE TABLE releases (
  ordinal INTEGER PRIMARY KEY AUTOINCREMENT, environment TEXT NOT NULL, app TEXT NOT NULL,
  number INTEGER NOT NULL,
  version INTEGER NOT NULL, doc BLOB NOT NULL, UNIQUE (environment, app, number));
CREATE TABLE sources (
  ordinal INTEGER PRIMARY KEY AUTOINCREMENT, digest TEXT NOT NULL UNIQUE, app TEXT NOT NULL,
  version INTEGER NOT NULL, doc BLOB NOT NULL);
CREATE INDEX sources_app ON sources (app);
CREATE TABLE tokens (
  ordinal INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, hash TEXT NOT NULL UNIQUE,
  version INTEGER NOT NULL, doc BLOB NOT NULL);
CREATE TABLE events (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  subject TEXT NOT NULL, environment TEXT, app TEXT, doc BLOB NOT NULL);
CREATE INDEX events_subject ON events (subject, sequence);
CREATE INDEX events_member ON events (environment, app, sequence);
CREATE INDEX events_app ON events (app, sequence);
