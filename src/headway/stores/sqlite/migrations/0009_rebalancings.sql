-- Rebalancings that somebody approved, and what became of each node.
CREATE TABLE rebalancings (
  ordinal INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, state TEXT NOT NULL,
  version INTEGER NOT NULL, doc BLOB NOT NULL);
CREATE INDEX rebalancings_state ON rebalancings (state);
