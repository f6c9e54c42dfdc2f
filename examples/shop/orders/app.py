"""Keeps orders in PostgreSQL.

`POST /orders` places one; sent again with the same `cart`, it answers with the order that is there
already, so whoever is in doubt may repeat it. `GET /orders` and `GET /orders/NUMBER` show them.
"""

import logging
import os
import signal
import sys
import time

import bottle
import ledger
import psycopg
import waitress
from database import connection_parameters
from dependency import Dependency, Unavailable
from log import log
from psycopg_pool import ConnectionPool, PoolTimeout
from wish import read_wish

THREADS = 4
BODY_BYTES_MAX = 8 * 1024

ids = Dependency("ids")
pool = ConnectionPool(
    kwargs={**connection_parameters(), "autocommit": True},
    min_size=1,
    max_size=THREADS,
    timeout=1,
    reconnect_timeout=1,
    max_waiting=20,
    check=ConnectionPool.check_connection,
    open=True,
)
app = bottle.Bottle()


class Health:
    """Healthy from the first time that the database answers.

    A release that cannot reach it, with a wrong password say, never gets that far and is not
    deployed. Later trouble is told but not fatal: another copy would fare no better.
    """

    def __init__(self) -> None:
        self.reached = False

    def look(self) -> tuple[int, dict]:
        try:
            # Not from the pool, which keeps the cause of its trouble to itself.
            with psycopg.connect(**connection_parameters()) as connection:
                connection.execute("SELECT FROM orders LIMIT 1")
        except psycopg.Error as error:
            wrong = [f"postgres: {first_line(error)}"]
            if not self.reached:
                return 503, {"status": "failing", "wrong": wrong}
            return 200, {"status": "degraded", "wrong": wrong}
        self.reached = True
        wrong = [f"ids: {ids.trouble}"] if ids.trouble else []
        return 200, {"status": "degraded" if wrong else "ok", "wrong": wrong}


health = Health()


def first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def answer(status: int, body: dict) -> dict:
    bottle.response.status = status
    return body


@app.get("/health")
def show_health() -> dict:
    return answer(*health.look())


@app.post("/orders")
def place_order() -> dict:
    wish, wrong = read_wish(bottle.request.json)
    if wrong:
        return answer(400, {"error": "; ".join(wrong)})
    with pool.connection() as connection:
        known = ledger.of_cart(connection, wish["cart"])
        if known:
            return answer(200, known)
        number = ids.post("/orders")["id"]
        placed = ledger.place(connection, number, wish)
        if placed:
            log("placed", number=number, cart=wish["cart"], sku=wish["sku"])
        return answer(201 if placed else 200, ledger.of_cart(connection, wish["cart"]))


@app.get("/orders")
def show_orders() -> dict:
    asked = bottle.request.query.get("limit", "20")
    if not asked.isdecimal() or not 1 <= int(asked) <= 100:
        return answer(400, {"error": "limit is a whole number from 1 to 100"})
    with pool.connection() as connection:
        return {"orders": ledger.latest(connection, int(asked))}


@app.get("/orders/<number>")
def show_order(number: str) -> dict:
    with pool.connection() as connection:
        order = ledger.by_number(connection, number)
    return order or answer(404, {"error": f"there is no order {number!r}"})


def as_json(handle):
    """Log each request, and answer failures in JSON: nobody here reads HTML."""

    def handled(*args, **kwargs):
        began = time.perf_counter()
        try:
            body = handle(*args, **kwargs)
        except bottle.HTTPError as error:
            body = answer(error.status_code, {"error": str(error.body)})
        except (psycopg.Error, PoolTimeout, Unavailable) as error:
            log("unavailable", path=bottle.request.path, error=first_line(error))
            body = answer(503, {"error": "something that orders need does not answer"})
        except Exception as error:
            log("failed", path=bottle.request.path, error=repr(error))
            body = answer(500, {"error": "orders failed; their log says why"})
        if bottle.request.path != "/health":
            log(
                "request",
                method=bottle.request.method,
                path=bottle.request.path,
                status=bottle.response.status_code,
                ms=round((time.perf_counter() - began) * 1000),
            )
        return body

    return handled


def answer_plainly(error: bottle.HTTPError) -> str:
    bottle.response.content_type = "application/json"
    return bottle.json_dumps({"error": str(error.body)})


def main() -> None:
    bottle.BaseRequest.MEMFILE_MAX = BODY_BYTES_MAX
    app.install(as_json)
    app.default_error_handler = answer_plainly
    for chatty in ("psycopg.pool", "waitress.queue"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    # Waitress answers what it has begun before it lets this exit through.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = waitress.create_server(
        app,
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        threads=THREADS,
        connection_limit=200,
        channel_timeout=30,
        max_request_body_size=4 * BODY_BYTES_MAX,
        ident=None,
    )
    log("listening", port=os.environ["PORT"])
    server.run()
    pool.close()
    log("stopped")


if __name__ == "__main__":
    main()
