-- A release is kept while a run that is pinned to it has not ended, a build while a deployment has
-- it: they are found by these.
ALTER TABLE runs ADD COLUMN pin TEXT;
UPDATE runs SET pin =
  json_extract(CAST(doc AS TEXT), '$.environment') || '/' || json_extract(CAST(doc AS TEXT), '$.app')
  || '/' || json_extract(CAST(doc AS TEXT), '$.pinned')
  WHERE open_in IS NOT NULL;
CREATE INDEX runs_pin ON runs (pin) WHERE pin IS NOT NULL;
ALTER TABLE deployments ADD COLUMN build TEXT;
UPDATE deployments SET build = json_extract(CAST(doc AS TEXT), '$.build');
CREATE INDEX deployments_build ON deployments (build) WHERE build IS NOT NULL;
-- The oldest and the newest of an app are found without looking at all of them.
CREATE INDEX deployments_app ON deployments (environment, app);
CREATE INDEX releases_app ON releases (environment, app);
