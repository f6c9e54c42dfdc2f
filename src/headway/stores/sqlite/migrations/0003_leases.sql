-- Leases are found by what they are on and by when time alone makes something of them. Indexes
-- without history: only rows that are not over have these columns set.
CREATE TABLE leases (
  ordinal INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
  open_claim TEXT, open_kind TEXT, due_us INTEGER, ended_us INTEGER,
  version INTEGER NOT NULL, doc BLOB NOT NULL);
CREATE INDEX leases_claim ON leases (open_claim, ordinal) WHERE open_claim IS NOT NULL;
CREATE INDEX leases_kind ON leases (open_kind, ordinal) WHERE open_kind IS NOT NULL;
CREATE INDEX leases_due ON leases (due_us) WHERE due_us IS NOT NULL;
CREATE INDEX leases_ended ON leases (ended_us) WHERE ended_us IS NOT NULL;
CREATE TABLE fences (
  ordinal INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,
  version INTEGER NOT NULL, doc BLOB NOT NULL);
-- What a lease of a node or of capacity holds is found by it.
ALTER TABLE environments ADD COLUMN under TEXT;
CREATE INDEX environments_under ON environments (under) WHERE under IS NOT NULL;
