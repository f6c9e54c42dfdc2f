"""Where the database is, and how long anything may wait for it."""

import os


def connection_parameters() -> dict[str, object]:
    """Give psycopg the address that headway tells, and bounds on every wait."""
    return {
        "host": os.environ["SERVICE_POSTGRES_DB_HOST"],
        "port": int(os.environ["SERVICE_POSTGRES_DB_PORT"]),
        "user": "shop",
        "dbname": "shop",
        "password": os.environ["POSTGRES_PASSWORD"],
        "application_name": os.environ.get("HEADWAY_CONTAINER", "orders"),
        "connect_timeout": 3,
        "options": "-c statement_timeout=5s -c idle_in_transaction_session_timeout=10s",
    }
