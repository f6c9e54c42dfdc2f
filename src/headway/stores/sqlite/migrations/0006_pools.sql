-- Pools as operators declare them, and the nodes that were asked of a provider for them.
CREATE TABLE pools (
  ordinal INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,
  version INTEGER NOT NULL, doc BLOB NOT NULL);
CREATE TABLE pool_nodes (
  ordinal INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, pool TEXT NOT NULL,
  version INTEGER NOT NULL, doc BLOB NOT NULL);
CREATE INDEX pool_nodes_pool ON pool_nodes (pool);
