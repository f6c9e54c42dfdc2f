"""Reads rows over one SQLite connection, inside a transaction that others began."""

import sqlite3
from collections.abc import Collection, Sequence
from enum import Enum
from functools import cache
from typing import Any, TypeVar

import msgspec

from headway.model.event import Event
from headway.model.value import Value
from headway.stores.sqlite.kept import Key
from headway.stores.sqlite.statements import partly, statements
from headway.stores.tables import TABLES, Table

P = TypeVar("P", bound=tuple[Any, ...])
V = TypeVar("V", bound=Value)

_encode = msgspec.json.Encoder().encode

_EVENT_FIELDS = ("subject", "environment", "app")
_MANY = 100
"""More wanted values than this are one parameter, of which a statement takes only so many; of so
many rows the documents are asked for as one value, which is not to become too large."""


class SqliteReader:
    """Answers from the snapshot of the transaction under way."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, kind: type[V], *key: str | int) -> V | None:
        """Give the row with this key."""
        found = self._got(kind, key)
        return decode(kind, found) if found else None

    def get_all(self, kind: type[V], keys: Collection[str]) -> dict[str, V]:
        """Give those rows with one of these keys that there are, by their keys."""
        table = TABLES[kind]
        assert len(table.key) == 1, f"{table.name} has the key {table.key}"
        (key,) = table.key
        if len(keys) == 1:  # which is the quicker way for one
            row = self.get(kind, *keys)
            return {} if row is None else {getattr(row, key): row}
        rows: dict[str, V] = {}
        given = list(keys)
        for at in range(0, len(given), _MANY):
            part = _encode(given[at : at + _MANY]).decode()
            (lines,) = self._ask(statements(kind).get_all, (part,)).fetchone()
            rows |= {getattr(row, key): row for row in _decoder(kind).decode_lines(lines or b"")}
        return rows

    def _got(self, kind: type[Value], key: Key) -> tuple[Any, ...] | None:
        """Give version, document and columns of a row."""
        table = TABLES[kind]
        assert len(key) == len(table.key), f"{table.name} has the key {table.key}"
        found: tuple[Any, ...] | None
        found = self._ask(statements(kind).get, key).fetchone()
        return found

    def _ask(self, sql: str, given: Sequence[Any] = ()) -> sqlite3.Cursor:
        return self._connection.execute(sql, given)

    def find(
        self,
        kind: type[V],
        /,
        *,
        limit: int | None = None,
        newest_first: bool = False,
        before: str | int | None = None,
        after: str | int | None = None,
        **fields: Any,
    ) -> list[V]:
        """Give the rows whose fields are equal to these, in the order they were first put."""
        table = TABLES[kind]
        where, values = _where(table, fields)
        for sign, key in (("<", before), (">", after)):
            if key is not None:
                assert len(table.key) == 1, f"{table.name} has the key {table.key}"
                row = f"SELECT ordinal FROM {table.name} WHERE {table.key[0]} = ?"  # noqa: S608
                where.append(f"ordinal {sign} ({row})")
                values.append(key)
        sql = f"SELECT version, doc FROM {table.name}"  # noqa: S608 (own names only)
        if where:
            sql += f" WHERE {' AND '.join(where)}"
        sql += f" ORDER BY ordinal {'DESC' if newest_first else 'ASC'}"
        if limit is not None:
            sql += " LIMIT ?"
            values.append(limit)
        return [decode(kind, row) for row in self._ask(sql, values)]

    def parts(
        self,
        kind: type[Value],
        fields: Sequence[str],
        shape: type[P],
        /,
        *,
        limit: int,
        **asked: Any,
    ) -> list[P]:
        """Give some fields of the rows whose fields are equal to these.

        They come as one value: each row would give up Python's lock, and have to wait for it.
        """
        table = TABLES[kind]
        where, values = _where(table, asked)
        found = (
            f"SELECT CAST(doc AS TEXT) AS doc FROM {table.name} "  # noqa: S608 (own names only)
            f"WHERE {' AND '.join(where)} ORDER BY ordinal LIMIT ?"
        )
        part = partly(kind, tuple(fields))
        sql = f"SELECT CAST(group_concat({part}, char(10)) AS BLOB) FROM ({found})"  # noqa: S608
        (lines,) = self._ask(sql, (*values, limit)).fetchone()
        return _decoder(shape).decode_lines(lines or b"")

    def lowest(
        self, kind: type[V], field: str, *, up_to: int | None = None, limit: int = 1
    ) -> list[V]:
        """Give the rows with the lowest values of a field, lowest first."""
        table = TABLES[kind]
        assert field in table.columns, f"{table.name} cannot be asked for {field}"
        bound = "" if up_to is None else f" AND {field} <= ?"
        sql = (
            f"SELECT version, doc FROM {table.name} "  # noqa: S608 (own names only)
            f"WHERE {field} IS NOT NULL{bound} ORDER BY {field} LIMIT ?"
        )
        values = [limit] if up_to is None else [up_to, limit]
        return [decode(kind, row) for row in self._ask(sql, values)]

    def newest(
        self, kind: type[Value], field: str, values: Collection[str], columns: Sequence[str]
    ) -> dict[str, tuple[Any, ...]]:
        """Give columns of the row that was added last, for each value of an indexed field."""
        table = TABLES[kind]
        unknown = {field, *columns} - set(table.columns)
        assert not unknown, f"{table.name} cannot be asked for {sorted(unknown)}"
        shown = ", ".join(f"row.{column}" for column in columns)
        sql = (
            f"SELECT given.value, {shown} FROM json_each(?) AS given "  # noqa: S608 (own names only)
            f"JOIN {table.name} AS row ON row.ordinal = "
            f"(SELECT MAX(ordinal) FROM {table.name} WHERE {field} = given.value)"
        )
        given = _encode(list(values)).decode()
        return {row[0]: row[1:] for row in self._ask(sql, (given,))}

    def begins(self, kind: type[Value], field: str, prefix: str) -> bool:
        """Say whether any row has a text in an indexed field that begins with this."""
        table = TABLES[kind]
        assert field in table.columns, f"{table.name} cannot be asked for {field}"
        behind = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        sql = f"SELECT 1 FROM {table.name} WHERE {field} >= ? AND {field} < ? LIMIT 1"  # noqa: S608
        return self._ask(sql, (prefix, behind)).fetchone() is not None

    def count(self, kind: type[Value], field: str) -> int:
        """Count rows that have a value in a field; triggers know of how many of old ones."""
        table = TABLES[kind]
        assert field in table.columns, f"{table.name} cannot be asked for {field}"
        if field in table.counted:
            sql = "SELECT count FROM counts WHERE name = ?"
            found = self._ask(sql, (f"{table.name}.{field}",))
        else:
            sql = f"SELECT COUNT(*) FROM {table.name} WHERE {field} IS NOT NULL"  # noqa: S608
            found = self._ask(sql)
        (count,) = found.fetchone()
        return int(count)

    def tally(self, kind: type[Value], field: str) -> dict[Any, int]:
        """Count rows by the values of a field; those without one are left out."""
        table = TABLES[kind]
        assert field in table.columns, f"{table.name} cannot be asked for {field}"
        sql = (
            f"SELECT {field}, COUNT(*) FROM {table.name} "  # noqa: S608 (own names only)
            f"WHERE {field} IS NOT NULL GROUP BY {field}"
        )
        return dict(self._ask(sql).fetchall())

    def events(
        self,
        *,
        after: int = 0,
        before: int | None = None,
        limit: int = 1000,
        newest_first: bool = False,
        **fields: Any,
    ) -> list[Event]:
        """Give events behind a sequence, and ahead of another."""
        unknown = set(fields) - set(_EVENT_FIELDS)
        assert not unknown, f"events cannot be asked for {sorted(unknown)}"
        where, values = _equal(fields)
        where.append("sequence > ?")
        values.append(after)
        if before is not None:
            where.append("sequence < ?")
            values.append(before)
        values.append(limit)
        sql = (
            f"SELECT sequence, doc FROM events WHERE {' AND '.join(where)} "  # noqa: S608
            f"ORDER BY sequence {'DESC' if newest_first else 'ASC'} LIMIT ?"
        )
        return [
            msgspec.structs.replace(_decoder(Event).decode(doc), sequence=sequence)
            for sequence, doc in self._ask(sql, values)
        ]


def _where(table: Table, fields: dict[str, Any]) -> tuple[list[str], list[Any]]:
    unknown = set(fields) - set(table.columns)
    assert not unknown, f"{table.name} cannot be asked for {sorted(unknown)}"
    return _equal(fields)


def _equal(fields: dict[str, Any]) -> tuple[list[str], list[Any]]:
    parts: list[str] = []
    values: list[Any] = []
    for column, wanted in fields.items():
        if isinstance(wanted, tuple):
            given = [_value(one) for one in wanted]
            if len(given) > _MANY:
                parts.append(f"{column} IN (SELECT value FROM json_each(?))")  # noqa: S608 (own names)
                values.append(msgspec.json.encode(given).decode())
            else:
                parts.append(f"{column} IN ({', '.join('?' for _ in given)})")
                values += given
        else:
            parts.append(f"{column} = ?")
            values.append(_value(wanted))
    return parts, values


def _value(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


@cache
def _decoder(kind: type[Any]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def decode(kind: type[V], found: tuple[Any, ...]) -> V:
    """Read the document of a row, found with its version."""
    row: V = _decoder(kind).decode(found[1])
    return row
