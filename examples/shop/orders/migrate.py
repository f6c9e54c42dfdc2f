"""Brings the database up to this release. Run once before it takes requests; may be repeated.

Each file of `migrations/` is carried out once, in order of its name, in a transaction of its own.
"""

import time
from pathlib import Path

import psycopg
from database import connection_parameters
from log import log

WAIT_S = 30
LOCK = 7_261_001  # any number that nothing else in this database uses


def connect() -> psycopg.Connection:
    """Connect, with patience for a database that is just starting."""
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            return psycopg.connect(**connection_parameters(), autocommit=True)
        except psycopg.OperationalError as error:
            if time.monotonic() >= deadline:
                raise
            log("waiting", what="postgres", error=str(error).partition("\n")[0])
            time.sleep(1)


def migrate(connection: psycopg.Connection, folder: Path) -> None:
    """Apply what was not applied yet; two that run at once take turns."""
    connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
    connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations"
        " (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
    )
    done = {name for (name,) in connection.execute("SELECT name FROM migrations")}
    for file in sorted(folder.glob("*.sql")):
        if file.name in done:
            continue
        with connection.transaction():
            connection.execute(file.read_text())
            connection.execute("INSERT INTO migrations (name) VALUES (%s)", (file.name,))
        log("migrated", file=file.name)
    log("up-to-date", was=len(done))


if __name__ == "__main__":
    with connect() as connection:
        migrate(connection, Path(__file__).parent / "migrations")
