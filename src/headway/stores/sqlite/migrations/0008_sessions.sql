-- Browsers that are signed in, and links that sign one in.
CREATE TABLE sessions (
  ordinal INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, hash TEXT NOT NULL UNIQUE,
  token TEXT NOT NULL, version INTEGER NOT NULL, doc BLOB NOT NULL);
CREATE INDEX sessions_token ON sessions (token);
CREATE TABLE links (
  ordinal INTEGER PRIMARY KEY AUTOINCREMENT, hash TEXT NOT NULL UNIQUE, token TEXT NOT NULL,
  version INTEGER NOT NULL, doc BLOB NOT NULL);
CREATE INDEX links_token ON links (token);
