"""What SQLite is asked for rows of a table. SQL is made of our own names only."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple, TypeVar

from headway.model.value import Value
from headway.stores.tables import TABLES

T = TypeVar("T")

_TOGETHER_MAX = 64
"""Rows of one statement. Twice as many take no less time each. SQLite takes 32,766 values in one
statement, of which these have a thousand."""


class Statements(NamedTuple):
    """Of one noun."""

    get: str
    get_all: str
    """By keys in a list of JSON, so that it is one statement however many they are."""
    upsert: str


@cache
def statements(kind: type[Value]) -> Statements:
    """Give those of a noun."""
    table = TABLES[kind]
    columns = ", ".join(table.columns)
    marks = ", ".join("?" for _ in table.columns)
    where = " AND ".join(f"{column} = ?" for column in table.key)
    changes = ", ".join(f"{column} = excluded.{column}" for column in (*table.columns, "doc"))
    return Statements(
        get=f"SELECT version, doc, {columns} FROM {table.name} WHERE {where}",  # noqa: S608
        get_all=(
            f"SELECT version, doc, {columns} FROM {table.name} "  # noqa: S608
            f"WHERE {table.key[0]} IN (SELECT value FROM json_each(?))"
        ),
        upsert=(
            f"INSERT INTO {table.name} ({columns}, version, doc) VALUES ({marks}, ?, ?) "  # noqa: S608
            f"ON CONFLICT ({', '.join(table.key)}) DO UPDATE SET {changes}"
        ),
    )


@cache
def inserting(kind: type[Value], rows: int = 1) -> str:
    """Say how new rows are inserted, each with its columns and its document."""
    table = TABLES[kind]
    row = f"({', '.join('?' for _ in table.columns)}, 1, ?)"
    return (
        f"INSERT INTO {table.name} ({', '.join(table.columns)}, version, doc) "  # noqa: S608
        f"VALUES {', '.join([row] * rows)}"
    )


@cache
def recording(events: int) -> str:
    """Say how events are added, each with its subject, environment, app and document."""
    rows = ", ".join(["(?, ?, ?, ?)"] * events)
    return f"INSERT INTO events (subject, environment, app, doc) VALUES {rows}"  # noqa: S608


@cache
def updating(kind: type[Value], changed: tuple[int, ...], rows: int) -> str:
    """Say how some columns of rows are changed: each is given key, columns, version, document."""
    table = TABLES[kind]
    columns = (*table.key, *(table.columns[at] for at in changed), "version", "doc")
    row = f"({', '.join('?' for _ in columns)})"
    named = {column: f"given.column{at}" for at, column in enumerate(columns, 1)}
    where = " AND ".join(f"{table.name}.{column} = {named.pop(column)}" for column in table.key)
    changes = ", ".join(f"{column} = {value}" for column, value in named.items())
    return (
        f"UPDATE {table.name} SET {changes} "  # noqa: S608 (own names only)
        f"FROM (VALUES {', '.join([row] * rows)}) AS given WHERE {where}"
    )


def together(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """Cut rows into parts for one statement each, of few sizes, so that SQLite knows them all.

    What is one statement takes half of the time, and other threads go on until it is done.

    >>> [len(part) for part in together(range(150))]
    [64, 64, 16, 4, 2]
    """
    at = 0
    while left := len(rows) - at:
        size = min(_TOGETHER_MAX, 1 << (left.bit_length() - 1))
        yield rows[at : at + size]
        at += size
