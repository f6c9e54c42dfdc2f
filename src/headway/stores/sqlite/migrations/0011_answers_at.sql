-- Answers are found by when they were given, so that those past their day can be forgotten.
ALTER TABLE answers ADD COLUMN at_us INTEGER;
UPDATE answers
  SET at_us = CAST(strftime('%s', json_extract(CAST(doc AS TEXT), '$.at')) AS INTEGER) * 1000000;
CREATE INDEX answers_at ON answers (at_us);
