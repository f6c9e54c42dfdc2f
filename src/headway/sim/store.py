"""Fills the Store port in memory."""

import asyncio
from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Generator,
    Iterable,
    Mapping,
    Sequence,
)
from itertools import islice
from operator import attrgetter
from types import coroutine
from typing import Any, TypeVar

import msgspec

from headway.model.environment import Environment, EnvironmentState
from headway.model.event import Event
from headway.model.value import Value
from headway.ports.store import Reader, Stale, StoreError, Writer
from headway.sim.event_log import EventLog
from headway.sim.rows import Kept, Rows
from headway.stores.tables import TABLES
from headway.stores.watches import Told, Touched, Watches

T = TypeVar("T")
P = TypeVar("P", bound=tuple[Any, ...])
V = TypeVar("V", bound=Value)
_PAGE = 500


class _Nouns(dict[type[Value], Rows]):
    """The rows of each noun."""

    def __missing__(self, kind: type[Value]) -> Rows:
        found = self[kind] = Rows(TABLES[kind])
        return found


class MemoryReader:
    """Answers from the rows as they are: nothing changes them while a question is asked."""

    def __init__(self, store: "MemoryStore") -> None:
        self._store = store
        self._rows = store.rows

    def get(self, kind: type[V], *key: str | int) -> V | None:
        """Give the row with this key."""
        rows = self._rows[kind]
        assert len(key) == len(rows.table.key), f"{rows.table.name} has the key {rows.table.key}"
        kept = rows.kept.get(key[0] if len(key) == 1 else key)
        return kept.row if kept is not None else None  # type: ignore[return-value]

    def get_all(self, kind: type[V], keys: Collection[str]) -> dict[str, V]:
        """Give those rows with one of these keys that there are, by their keys."""
        kept = self._rows[kind].kept
        return {key: there.row for key in keys if (there := kept.get(key))}  # type: ignore[misc]

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
        rows = self._rows[kind]
        unknown = set(fields) - set(rows.table.columns)
        assert not unknown, f"{rows.table.name} cannot be asked for {sorted(unknown)}"
        least, most = _bounds(rows, before, after)
        if None in fields.values():  # as in SQL, nothing is equal to nothing
            return []
        ordinals, known = self._candidates(rows, fields)
        wanted = [
            (attrgetter(name), value if isinstance(value, tuple) else (value,))
            for name, value in fields.items()
            if name != known
        ]
        chosen: Iterable[Value] = (
            rows.by_ordinal[ordinal].row
            for ordinal in (reversed(ordinals) if newest_first else ordinals)
            if least < ordinal < most
        )
        if wanted:
            chosen = (row for row in chosen if all(read(row) in values for read, values in wanted))
        return list(islice(chosen, limit))  # type: ignore[arg-type]

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
        """Give some fields of the rows whose fields are equal to these."""
        part = attrgetter(*fields)
        return [shape(*part(row)) for row in self.find(kind, limit=limit, **asked)]

    def _candidates(self, rows: Rows, fields: dict[str, Any]) -> tuple[dict[int, Any], str]:
        """Give the shortest list that has all that are asked for, and the field that it is of."""
        best: dict[int, Any] = rows.by_ordinal
        known = ""
        for name, value in fields.items():
            if isinstance(value, tuple):
                parts = [rows.equal(name).ordinals(one) for one in value]
                if sum(map(len, parts)) < len(best):
                    filled = [part for part in parts if part]
                    best = filled[0] if len(filled) == 1 else _joined(filled)
                    known = name
            else:
                bucket = rows.equal(name).ordinals(value)
                if len(bucket) < len(best):
                    best, known = bucket, name
        return best, known

    def lowest(
        self, kind: type[V], field: str, *, up_to: int | None = None, limit: int = 1
    ) -> list[V]:
        """Give the rows with the lowest values of a field, lowest first."""
        rows = self._asked(kind, field)
        found = rows.lowest(field).ordinals(up_to, limit)
        return [rows.by_ordinal[ordinal].row for ordinal in found]  # type: ignore[misc]

    def newest(
        self, kind: type[Value], field: str, values: Collection[str], columns: Sequence[str]
    ) -> dict[str, tuple[Any, ...]]:
        """Give columns of the row that was added last, for each value of an indexed field."""
        rows = self._rows[kind]
        unknown = {field, *columns} - set(rows.table.columns)
        assert not unknown, f"{rows.table.name} cannot be asked for {sorted(unknown)}"
        index, found = rows.equal(field), {}
        for value in values:
            ordinal = next(reversed(index.ordinals(value)), None)
            if ordinal is not None:
                row = rows.by_ordinal[ordinal].row
                found[value] = tuple(getattr(row, column) for column in columns)
        return found

    def begins(self, kind: type[Value], field: str, prefix: str) -> bool:
        """Say whether any row has a text in an indexed field that begins with this."""
        rows = self._asked(kind, field)
        return any(value.startswith(prefix) for value in rows.equal(field).buckets)

    def count(self, kind: type[Value], field: str) -> int:
        """Count rows that have a value in a field."""
        rows = self._asked(kind, field)
        return rows.counted(field).count

    def tally(self, kind: type[Value], field: str) -> dict[Any, int]:
        """Count rows by the values of a field; those without one are left out."""
        rows = self._asked(kind, field)
        return {value: len(bucket) for value, bucket in rows.equal(field).buckets.items()}

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
        return self._store.log.find(after, before, limit, newest_first, fields)

    def _asked(self, kind: type[Value], field: str) -> Rows:
        rows = self._rows[kind]
        assert field in rows.table.columns, f"{rows.table.name} cannot be asked for {field}"
        return rows


class MemoryWriter(MemoryReader):
    """Writes at once, and can take back what it wrote."""

    def __init__(self, store: "MemoryStore") -> None:
        self._store = store
        self._rows = store.rows
        self._undo: list[tuple[Rows, Any, Kept | None]] = []
        self.recorded: list[Event] = []

    def put(self, row: V) -> V:
        """Insert or replace a row, and give it as it is now, its `version` one higher."""
        rows = self._rows[type(row)]
        key = rows.key(row)
        there = rows.kept.get(key)
        stored = row
        if rows.table.versioned:
            version: int = row.version  # type: ignore[attr-defined]
            known: int = there.row.version if there is not None else 0  # type: ignore[attr-defined]
            if version != known:
                name = "/".join(str(getattr(row, field)) for field in rows.table.key)
                raise Stale(f"{rows.table.name} {name}: it was changed since version {version}")
            stored = msgspec.structs.replace(row, version=version + 1)
        if isinstance(row, Environment):
            self._check_name(row)
        rows.put(key, stored, there)
        self._undo.append((rows, key, there))
        return stored

    def insert(self, rows: Sequence[V]) -> list[V]:
        """Put rows that were never put, in this order."""
        return [self.put(row) for row in rows]

    def _check_name(self, row: Environment) -> None:
        """A name is held by one environment at a time."""
        if row.state is EnvironmentState.ENDED:
            return
        for other in self.find(Environment, name=row.name):
            if other.id != row.id and other.state is not EnvironmentState.ENDED:
                raise Stale(f"environments: {row.name} is held by {other.id}")

    def delete(self, kind: type[Value], *key: str | int) -> None:
        """Delete the row with this key, if there is one."""
        rows = self._rows[kind]
        its = key[0] if len(key) == 1 else key
        there = rows.kept.get(its)
        if there is not None:
            rows.delete(its, there)
            self._undo.append((rows, its, there))

    def record(self, event: Event) -> None:
        """Add an event to the log."""
        self.recorded.append(event)

    def events(self, **question: Any) -> list[Event]:
        """Give events, those of this transaction included."""
        self._store.keep(self.recorded)
        self.recorded = []
        return super().events(**question)

    def tell(self, touched: Touched) -> None:
        """Tell which rows were put or deleted."""
        for rows, key, before in self._undo:
            kept = rows.kept.get(key) or before
            if kept is not None:
                touched.note(rows.table.kind, rows.table.values_of(kept.row))
        touched.tell()

    def take_back(self) -> None:
        """Leave nothing of what was written."""
        for rows, key, before in reversed(self._undo):
            rows.put_back(key, before)


class MemoryStore:
    """Rows and events for as long as the process lives. Deeds run at once, one after another."""

    def __init__(self) -> None:
        self.rows = _Nouns()
        self.log = EventLog()
        self.on_event: Callable[[Event], None] | None = None
        self._followers: dict[asyncio.Event, None] = {}
        self._watches = Watches()
        self._closed = False

    def ask(self, question: Callable[[Reader], T]) -> T:
        """Answer a question at once."""
        return question(MemoryReader(self))

    def do(self, deed: Callable[[Writer], T]) -> T:
        """Do a deed at once, wholly or not at all."""
        writer = MemoryWriter(self)
        try:
            result = deed(writer)
        except BaseException:
            writer.take_back()
            raise
        if self._watches.are_any:
            writer.tell(Touched(self._watches))
        self.keep(writer.recorded)
        return result

    def keep(self, events: list[Event]) -> None:
        """Number events, and tell who follows."""
        for event in events:
            numbered = self.log.add(event)
            if self.on_event is not None:
                self.on_event(numbered)
        if events:
            for follower in self._followers:
                follower.set()

    async def watch(self, fields: Mapping[type[Value], tuple[str, ...]], told: Told) -> None:
        """Have somebody told which rows of some nouns were put or deleted, by some fields."""
        self._watches.add(fields, told)

    async def read(self, question: Callable[[Reader], T]) -> T:
        """Answer a question from one consistent snapshot."""
        await _others()
        return self.ask(question)

    async def write(self, deed: Callable[[Writer], T]) -> T:
        """Do a deed in one transaction: all of it is kept, or, when it raises, none of it."""
        if self._closed:
            raise StoreError("the store was closed")
        result = self.do(deed)
        await _others()
        return result

    async def follow(self, after: int | None = None) -> AsyncIterator[Event]:
        """Give every event behind a sequence as it is committed, without end."""
        wake = asyncio.Event()
        self._followers[wake] = None
        try:
            if after is None:
                after = self.log.next - 1
            while True:
                wake.clear()
                events = self.ask(
                    lambda reader, after=after: reader.events(after=after, limit=_PAGE)  # type: ignore[misc]
                )
                for event in events:
                    after = event.sequence
                    yield event
                if len(events) < _PAGE:
                    await wake.wait()
        finally:
            self._followers.pop(wake, None)

    async def prune(self, events_before: int, *, limit: int) -> int:
        """Forget the oldest events up to a sequence, so many at most; gives how many they were."""
        return self.log.prune(events_before, limit)

    async def close(self) -> None:
        """Take no more deeds."""
        self._closed = True


@coroutine
def _others() -> Generator[None, None, None]:
    """Let others go on, as `asyncio.sleep(0)` does by way of two calls more."""
    yield


def _bounds(rows: Rows, before: str | int | None, after: str | int | None) -> tuple[int, float]:
    """Give the ordinals between which rows are asked for; a key that is not there has none."""
    least, most = 0, float("inf")
    one = len(rows.table.key) == 1
    assert one or before is after is None, f"{rows.table.name} has the key {rows.table.key}"
    if after is not None:
        kept = rows.kept.get(after)
        least = kept.ordinal if kept else 1 << 62
    if before is not None:
        kept = rows.kept.get(before)
        most = kept.ordinal if kept else 0
    return least, most


def _joined(parts: list[dict[int, None]]) -> dict[int, None]:
    return dict.fromkeys(sorted(ordinal for part in parts for ordinal in part))
