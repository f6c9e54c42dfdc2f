CREATE TABLE orders (
  number text PRIMARY KEY,
  -- One order per cart, however often it is sent.
  cart text NOT NULL UNIQUE,
  sku text NOT NULL,
  title text NOT NULL,
  quantity integer NOT NULL CHECK (quantity BETWEEN 1 AND 99),
  unit_price_cents integer NOT NULL CHECK (unit_price_cents >= 0),
  name text NOT NULL,
  email text NOT NULL,
  placed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX orders_latest ON orders (placed_at DESC);
