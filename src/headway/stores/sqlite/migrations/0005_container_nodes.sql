-- What is on a node is found by index.
ALTER TABLE containers ADD COLUMN node TEXT NOT NULL DEFAULT '';
UPDATE containers SET node = json_extract(CAST(doc AS TEXT), '$.node');
CREATE INDEX containers_node ON containers (node, retired);
