"""What SQLite is asked for rows of a table. SQL is made of our own names only."""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

import msgspec

from headway.model.value import Value
from headway.stores.tables import TABLES

_TOGETHER_MAX = 256
"""Rows of one statement. SQLite takes 32,766 values in one, of which these have four thousand.

What is one statement takes half of the time, and Python's lock is given up once: it comes back when
the event loop is done with its turn.
"""


class Statements(NamedTuple):
    """Of one noun."""

    get: str
    get_all: str
    """By keys in a list of JSON: one document a line. Each row would give up Python's lock."""
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
            f"SELECT CAST(group_concat(doc, char(10)) AS BLOB) FROM {table.name} "  # noqa: S608
            f"WHERE {table.key[0]} IN (SELECT value FROM json_each(?))"
        ),
        upsert=(
            f"INSERT INTO {table.name} ({columns}, version, doc) VALUES ({marks}, ?, ?) "  # noqa: S608
            f"ON CONFLICT ({', '.join(table.key)}) DO UPDATE SET {changes}"
        ),
    )


@cache
def inserting(kind: type[Value], rows: int = 1) -> str:
    """Say how new rows are inserted, each given its columns and its document."""
    table = TABLES[kind]
    columns = (*table.columns, "doc")
    return (
        f"INSERT INTO {table.name} ({', '.join(columns)}, version) "  # noqa: S608
        f"SELECT *, 1 FROM {_given(len(columns), rows)}"
    )


@cache
def partly(kind: type[Value], fields: tuple[str, ...]) -> str:
    """Say some fields of a document as a list of JSON; a document that lacks one has its default.

    It is one text for SQLite: nothing else of a document becomes anything of Python's.
    """
    defaults = {field.name: field.default for field in msgspec.structs.fields(kind)}
    return (
        "'[' || " + " || ',' || ".join(_part(name, defaults[name]) for name in fields) + " || ']'"
    )


def _part(field: str, default: Any) -> str:
    value = f"json_quote(json_extract(doc, '$.{field}'))"
    if default is msgspec.NODEFAULT:
        return value
    other = msgspec.json.encode(default).decode()
    return f"CASE WHEN json_type(doc, '$.{field}') IS NULL THEN '{other}' ELSE {value} END"


@cache
def recording(events: int) -> str:
    """Say how events are added, each given its subject, environment, app and document."""
    return f"INSERT INTO events (subject, environment, app, doc) SELECT * FROM {_given(4, events)}"  # noqa: S608


@cache
def updating(kind: type[Value], changed: tuple[int, ...], rows: int) -> str:
    """Say how some columns of rows are changed: each is given key, columns, version, document."""
    table = TABLES[kind]
    columns = (*table.key, *(table.columns[at] for at in changed), "version", "doc")
    named = {column: f"given.column{at}" for at, column in enumerate(columns, 1)}
    where = " AND ".join(f"{table.name}.{column} = {named.pop(column)}" for column in table.key)
    where += f" AND {table.name}.version = {named['version']} - 1"
    changes = ", ".join(f"{column} = {value}" for column, value in named.items())
    return (
        f"UPDATE {table.name} SET {changes} "  # noqa: S608 (own names only)
        f"FROM {_given(len(columns), rows)} AS given WHERE {where}"
    )


def _given(columns: int, rows: int) -> str:
    """Say what is given as a table. Rows without a document, the last column, are none."""
    row = f"({', '.join('?' for _ in range(columns))})"
    values = f"VALUES {', '.join([row] * rows)}"
    return f"(SELECT * FROM ({values}) WHERE column{columns} IS NOT NULL)"  # noqa: S608


def together(rows: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Cut rows into parts for one statement each: gives for how many it is, and all their values.

    These are few numbers, so that SQLite knows all statements: what lacks are rows without values.

    >>> [rows for rows, values in together([("a", b"...")] * 300)]
    [256, 64]
    """
    for at in range(0, len(rows), _TOGETHER_MAX):
        part = rows[at : at + _TOGETHER_MAX]
        size = 1 << (len(part) - 1).bit_length()
        blank = [None] * (len(part[0]) * (size - len(part)))
        yield size, (*chain.from_iterable(part), *blank)
