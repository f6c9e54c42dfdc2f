-- Mails to be sent. A row is written in the same transaction as what it is about, so there is
-- no order without its mail and no mail without its order.
CREATE TABLE mails (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_number text NOT NULL UNIQUE REFERENCES orders (number),
  recipient text NOT NULL,
  subject text NOT NULL,
  body text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  sent_at timestamptz
);
CREATE INDEX mails_unsent ON mails (id) WHERE sent_at IS NULL;
