-- Tokens have roles; those of before were the operator's own.
UPDATE tokens SET doc =
  CAST(json_set(CAST(doc AS TEXT), '$.role', 'operator') AS BLOB)
  WHERE json_extract(CAST(doc AS TEXT), '$.role') IS NULL;
