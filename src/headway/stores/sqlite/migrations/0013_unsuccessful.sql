-- Runs that came to nothing are found without looking at all that succeeded.
ALTER TABLE runs ADD COLUMN unsuccessful INTEGER;
UPDATE runs SET unsuccessful = 1
  WHERE state IN ('failed', 'timed_out', 'lost', 'cancelled', 'expired', 'dead');
CREATE INDEX runs_unsuccessful ON runs (unsuccessful, ordinal) WHERE unsuccessful IS NOT NULL;
