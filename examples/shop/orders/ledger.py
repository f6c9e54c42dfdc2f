"""Orders as they are kept in PostgreSQL."""

from psycopg import Connection
from psycopg.rows import dict_row

_SHOWN = """
SELECT number, sku, title, quantity, unit_price_cents, orders.name, orders.email,
       to_char(placed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS placed_at,
       sent_at IS NOT NULL AS mailed
FROM orders LEFT JOIN mails ON order_number = number
"""

_INSERT_ORDER = """
INSERT INTO orders (number, cart, sku, title, quantity, unit_price_cents, name, email)
VALUES (%(number)s, %(cart)s, %(sku)s, %(title)s, %(quantity)s, %(unit_price_cents)s,
        %(name)s, %(email)s)
ON CONFLICT (cart) DO NOTHING
"""

_INSERT_MAIL = """
INSERT INTO mails (order_number, recipient, subject, body)
VALUES (%(number)s, %(email)s, %(subject)s, %(body)s)
"""

_BODY = """Dear {name},

thank you for your order {number}: {quantity} × {title}.
It comes to {total:.2f} euros.

The shop
"""


def place(connection: Connection, number: str, wish: dict) -> bool:
    """Keep an order and the mail about it, both or neither; False if its cart has one already."""
    order = {"number": number, **wish}
    total = wish["quantity"] * wish["unit_price_cents"] / 100
    mail = {"subject": f"Your order {number}", "body": _BODY.format(**order, total=total)}
    with connection.transaction():
        if connection.execute(_INSERT_ORDER, order).rowcount == 0:
            return False
        connection.execute(_INSERT_MAIL, {**order, **mail})
        connection.execute("NOTIFY mails")  # wakes the mailer once this is committed
    return True


def of_cart(connection: Connection, cart: str) -> dict | None:
    """Give the order that came of a cart."""
    cursor = connection.cursor(row_factory=dict_row)
    return cursor.execute(f"{_SHOWN} WHERE cart = %s", (cart,)).fetchone()


def by_number(connection: Connection, number: str) -> dict | None:
    """Give one order."""
    cursor = connection.cursor(row_factory=dict_row)
    return cursor.execute(f"{_SHOWN} WHERE number = %s", (number,)).fetchone()


def latest(connection: Connection, limit: int) -> list[dict]:
    """Give the last orders, newest first."""
    cursor = connection.cursor(row_factory=dict_row)
    return cursor.execute(f"{_SHOWN} ORDER BY placed_at DESC LIMIT %s", (limit,)).fetchall()
