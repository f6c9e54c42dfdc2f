-- Counts of rows of which there are ever more, kept as they come and go: who wants to know how many
-- they are need not look at each.
CREATE TABLE counts (name TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counts SELECT 'runs.ended_us', COUNT(*) FROM runs WHERE ended_us IS NOT NULL;
INSERT INTO counts SELECT 'runs.dead', COUNT(*) FROM runs WHERE dead IS NOT NULL;
INSERT INTO counts SELECT 'leases.ended_us', COUNT(*) FROM leases WHERE ended_us IS NOT NULL;

CREATE TRIGGER runs_ended_put AFTER INSERT ON runs WHEN NEW.ended_us IS NOT NULL
BEGIN UPDATE counts SET count = count + 1 WHERE name = 'runs.ended_us'; END;
CREATE TRIGGER runs_ended_changed AFTER UPDATE OF ended_us ON runs
WHEN (OLD.ended_us IS NULL) <> (NEW.ended_us IS NULL)
BEGIN UPDATE counts SET count = count + (OLD.ended_us IS NULL) - (NEW.ended_us IS NULL)
  WHERE name = 'runs.ended_us'; END;
CREATE TRIGGER runs_ended_deleted AFTER DELETE ON runs WHEN OLD.ended_us IS NOT NULL
BEGIN UPDATE counts SET count = count - 1 WHERE name = 'runs.ended_us'; END;

CREATE TRIGGER runs_dead_put AFTER INSERT ON runs WHEN NEW.dead IS NOT NULL
BEGIN UPDATE counts SET count = count + 1 WHERE name = 'runs.dead'; END;
CREATE TRIGGER runs_dead_changed AFTER UPDATE OF dead ON runs
WHEN (OLD.dead IS NULL) <> (NEW.dead IS NULL)
BEGIN UPDATE counts SET count = count + (OLD.dead IS NULL) - (NEW.dead IS NULL)
  WHERE name = 'runs.dead'; END;
CREATE TRIGGER runs_dead_deleted AFTER DELETE ON runs WHEN OLD.dead IS NOT NULL
BEGIN UPDATE counts SET count = count - 1 WHERE name = 'runs.dead'; END;

CREATE TRIGGER leases_ended_put AFTER INSERT ON leases WHEN NEW.ended_us IS NOT NULL
BEGIN UPDATE counts SET count = count + 1 WHERE name = 'leases.ended_us'; END;
CREATE TRIGGER leases_ended_changed AFTER UPDATE OF ended_us ON leases
WHEN (OLD.ended_us IS NULL) <> (NEW.ended_us IS NULL)
BEGIN UPDATE counts SET count = count + (OLD.ended_us IS NULL) - (NEW.ended_us IS NULL)
  WHERE name = 'leases.ended_us'; END;
CREATE TRIGGER leases_ended_deleted AFTER DELETE ON leases WHEN OLD.ended_us IS NOT NULL
BEGIN UPDATE counts SET count = count - 1 WHERE name = 'leases.ended_us'; END;
