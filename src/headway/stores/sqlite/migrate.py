"""Brings a database file to the tables of this version, step by step."""

import sqlite3
from importlib.resources import files
from pathlib import Path

from headway.ports.store import StoreError


def steps() -> list[tuple[int, str]]:
    """List the migrations as (number, SQL), in order."""
    folder = files("headway.stores.sqlite") / "migrations"
    found = [
        (int(entry.name.split("_", 1)[0]), entry.read_text())
        for entry in folder.iterdir()
        if entry.name.endswith(".sql")
    ]
    return sorted(found)


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Apply every migration that the file lacks; each is one transaction.

    A file that holds data is copied beside itself first.

    Raises:
        StoreError: The file was written by a newer version.
    """
    (at,) = connection.execute("PRAGMA user_version").fetchone()
    wanted = steps()
    newest = wanted[-1][0]
    if at > newest:
        raise StoreError(
            f"{path} was written by a newer headway (its tables are at {at}, this version knows "
            f"{newest}): install that version again, or restore a backup"
        )
    if 0 < at < newest:
        backup(connection, path.with_name(f"{path.name}.before-{newest:04}"))
    for number, sql in wanted:
        if number > at:
            connection.executescript(f"BEGIN;\n{sql}\nPRAGMA user_version = {number};\nCOMMIT;")


def backup(connection: sqlite3.Connection, path: Path) -> None:
    """Copy a database, while it is used, to a new file."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    with sqlite3.connect(part) as copy:
        connection.backup(copy)
    copy.close()
    part.replace(path)
