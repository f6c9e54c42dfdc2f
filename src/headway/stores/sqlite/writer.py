"""Writes rows and events over one SQLite connection, inside a transaction that others began."""

import sqlite3
from collections.abc import Collection, Sequence
from typing import Any, TypeVar

import msgspec

from headway.model.event import Event
from headway.model.value import Value
from headway.ports.store import Stale
from headway.stores.sqlite.kept import KeptRows, Key
from headway.stores.sqlite.reader import SqliteReader, decode
from headway.stores.sqlite.statements import inserting, recording, statements, together
from headway.stores.sqlite.updates import There, Updates
from headway.stores.tables import TABLES, Table
from headway.stores.watches import Touched

V = TypeVar("V", bound=Value)

_encode = msgspec.json.Encoder().encode


class SqliteWriter(SqliteReader):
    """Writes in the transaction under way."""

    def __init__(self, connection: sqlite3.Connection, kept: KeptRows, touched: Touched) -> None:
        super().__init__(connection)
        self._kept, self._touched = kept, touched
        self._change = connection.cursor().execute
        """For what gives no rows: a cursor of its own for each takes a third longer."""
        self.recorded = 0
        """Events added in this transaction."""
        self._unwritten: list[tuple[str, str | None, str | None, bytes]] = []
        """Those of the deed under way, with what they are asked for by."""
        self._there: dict[tuple[type[Value], Key], There] = {}
        """Of those rows that were read or put, as they are now."""
        self._updates = Updates(self._change)

    def get(self, kind: type[V], *key: str | int) -> V | None:
        """Give the row with this key."""
        if (kept := self._take(kind, key)) is not None:
            return kept
        found = self._got(kind, key)
        if found is None:
            return None
        self._there[kind, key] = There(found[0], found[2:])
        return decode(kind, found)

    def get_all(self, kind: type[V], keys: Collection[str]) -> dict[str, V]:
        """Give those rows with one of these keys that there are, by their keys."""
        table = TABLES[kind]
        rows: dict[str, V] = {}
        if table.changing:
            rows = {key: row for key in keys if (row := self._take(kind, (key,))) is not None}
            keys = [key for key in keys if key not in rows] if rows else keys
        for key, row in super().get_all(kind, keys).items() if keys else ():
            self._there[kind, (key,)] = There(getattr(row, "version", 0), table.values_of(row))
            rows[key] = row
        return rows

    def _take(self, kind: type[V], key: Key) -> V | None:
        """Give a row that is kept."""
        kept = self._kept.get(kind, key)
        if kept is None:
            return None
        row: V = kept.row
        self._there[kind, key] = There(kept.row.version, kept.columns)
        return row

    def forget(self) -> None:
        """Hear that something of what was done was undone."""
        self._there.clear()
        self._kept.clear()
        self._unwritten.clear()
        self._updates.clear()

    def put(self, row: V) -> V:
        """Insert or replace a row, and give it as it is now, its `version` one higher."""
        table = TABLES[type(row)]
        version: int = getattr(row, "version", 0)
        stored = msgspec.structs.replace(row, version=version + 1) if table.versioned else row
        values = table.values_of(row)
        doc = _encode(stored)
        if not table.versioned:
            self._change(statements(table.kind).upsert, (*values, 0, doc))
        elif version == 0:
            self._insert(table, (*values, doc))
        else:
            there = self._there_of(table, values[: len(table.key)])
            self._updates.add(table, there, version, values, doc)
        self._keep(table, stored, values, doc)
        return stored

    def _there_of(self, table: Table, key: Key) -> There | None:
        """Give what there is of a row, read or put before or not."""
        there = self._there.get((table.kind, key))
        if there is None and (found := self._got(table.kind, key)) is not None:
            there = There(found[0], found[2:])
        return there

    def insert(self, rows: Sequence[V]) -> list[V]:
        """Insert rows of one noun that were never put, and give them as they are now."""
        if not rows:
            return []
        table = TABLES[type(rows[0])]
        assert all(getattr(row, "version", None) == 0 for row in rows), "put what was there before"
        stored = [msgspec.structs.replace(row, version=1) for row in rows]
        found = [(table.values_of(row), _encode(row)) for row in stored]
        for size, given in together([(*values, doc) for values, doc in found]):
            self._insert(table, given, size)
        for row, (values, doc) in zip(stored, found, strict=True):
            self._keep(table, row, values, doc)
        return stored

    def _keep(self, table: Table, stored: Value, values: tuple[Any, ...], doc: bytes) -> None:
        """Remember a row as it was written just now, as long as that is of use."""
        key = values[: len(table.key)]
        self._there[table.kind, key] = There(getattr(stored, "version", 0), values)
        if table.changing_at is not None:
            if values[table.changing_at] is not None:
                self._kept.keep(key, stored, values, doc)
            else:
                self._kept.drop(table.kind, key)
        self._touched.note(table.kind, values)

    def delete(self, kind: type[Value], *key: str | int) -> None:
        """Delete the row with this key, if there is one."""
        table = TABLES[kind]
        there = self._got(kind, key) if self._touched.asks(kind) else None
        if there is not None:
            self._touched.note(kind, there[2:])
        self._there.pop((kind, key), None)
        self._kept.drop(kind, key)
        where = " AND ".join(f"{column} = ?" for column in table.key)
        self._updates.write()
        self._connection.execute(f"DELETE FROM {table.name} WHERE {where}", key)  # noqa: S608

    def record(self, event: Event) -> None:
        """Add an event to the log."""
        found = (event.subject, event.environment, event.app, _encode(event))
        self._unwritten.append(found)
        self.recorded += 1

    def events(self, **question: Any) -> list[Event]:
        """Give events, those of the deed under way included."""
        self.finish()
        return super().events(**question)

    def finish(self) -> None:
        """Write what was changed and recorded: many rows, and many events, in one statement."""
        self._updates.write()
        for size, given in together(self._unwritten):
            self._change(recording(size), given)
        self._unwritten.clear()

    def _ask(self, sql: str, given: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Ask the file, once it has what the deed under way has changed."""
        self._updates.write()
        return super()._ask(sql, given)

    def prune_events(self, before: int, limit: int) -> int:
        """Delete some of the events up to a sequence, and give how many."""
        sql = (
            "DELETE FROM events WHERE sequence IN "
            "(SELECT sequence FROM events WHERE sequence <= ? ORDER BY sequence LIMIT ?)"
        )
        return self._connection.execute(sql, (before, limit)).rowcount

    def _insert(self, table: Table, given: tuple[Any, ...], rows: int = 1) -> None:
        self._updates.write()
        try:
            self._change(inserting(table.kind, rows), given)
        except sqlite3.IntegrityError as error:
            raise Stale(f"{table.name}: a new row's key is taken ({error})") from error
