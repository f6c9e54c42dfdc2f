-- A deployment that is under way moves by the strategy that it has begun with: which one was asked
-- for, and which was a release's own, was not told apart.
UPDATE deployments
SET doc = CAST(
  json_set(CAST(doc AS TEXT), '$.asked_strategy', json_extract(CAST(doc AS TEXT), '$.strategy'))
  AS BLOB)
WHERE is_ended = 0 AND json_extract(CAST(doc AS TEXT), '$.asked_strategy') IS NULL;
