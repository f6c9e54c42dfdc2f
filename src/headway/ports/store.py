"""The door to what is remembered."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from headway.model.event import Event
from headway.model.value import Value

T = TypeVar("T")
P = TypeVar("P", bound=tuple[Any, ...])
V = TypeVar("V", bound=Value)


class StoreError(Exception):
    """The store could not answer; the text says what was tried."""


class Stale(StoreError):
    """A row was changed since it was read. Read again and decide again."""


class Reader(Protocol):
    """Reads rows as of one moment.

    Rows are values of the model. Each noun has a key and a few fields that can be asked for;
    the store's tables name them.
    """

    def get(self, kind: type[V], *key: str | int) -> V | None:
        """Give the row with this key."""
        ...

    def get_all(self, kind: type[V], keys: Collection[str]) -> dict[str, V]:
        """Give those rows with one of these keys that there are, by their keys.

        For nouns whose key is one text. Many are given for a third of what asking one by one costs.
        """
        ...

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
        """Give the rows whose fields are equal to these, in the order they were first put.

        A tuple as a value means any of its members. Only indexed fields can be asked for.
        `before` and `after` are keys of rows of the same kind: only rows put earlier, or later,
        are given.
        """
        ...

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
        """Give some fields of those rows that `find` gives, each row as a NamedTuple.

        `fields` are of the noun, in the order of the tuple's. What else the rows have is not read,
        however much it is.
        """
        ...

    def lowest(
        self, kind: type[V], field: str, *, up_to: int | None = None, limit: int = 1
    ) -> list[V]:
        """Give the rows with the lowest values of an indexed field, lowest first.

        Rows whose field is None are left out, and those above `up_to`.
        """
        ...

    def newest(
        self, kind: type[Value], field: str, values: Collection[str], columns: Sequence[str]
    ) -> dict[str, tuple[Any, ...]]:
        """Give columns of the row that was added last, for each value of an indexed field.

        Nothing else of these rows is read. Values that no row has are left out.
        """
        ...

    def begins(self, kind: type[Value], field: str, prefix: str) -> bool:
        """Say whether any row has a text in an indexed field that begins with this."""
        ...

    def count(self, kind: type[Value], field: str) -> int:
        """Count rows whose indexed field is not None, at a cost that does not grow with history."""
        ...

    def tally(self, kind: type[Value], field: str) -> dict[Any, int]:
        """Count rows by the values of an indexed field; rows whose field is None are left out."""
        ...

    def events(
        self,
        *,
        after: int = 0,
        before: int | None = None,
        limit: int = 1000,
        newest_first: bool = False,
        **fields: Any,
    ) -> list[Event]:
        """Give events behind a sequence, and ahead of another.

        `subject`, `environment` and `app` can be asked for.
        """
        ...


class Writer(Reader, Protocol):
    """Reads and writes rows in one transaction."""

    def put(self, row: V) -> V:
        """Insert or replace a row, and give it as it is now, its `version` one higher.

        Raises:
            Stale: The row's `version` is not the one in the store.
        """
        ...

    def insert(self, rows: Sequence[V]) -> list[V]:
        """Put versioned rows of one noun that were never put, in this order.

        They cost half of what putting one by one does.

        Raises:
            Stale: A key of one of them is taken.
        """
        ...

    def delete(self, kind: type[Value], *key: str | int) -> None:
        """Delete the row with this key, if there is one."""
        ...

    def record(self, event: Event) -> None:
        """Add an event to the log, in the same transaction."""
        ...


class Store(Protocol):
    """Rows and events, durable once `write` returned."""

    async def read(self, question: Callable[[Reader], T]) -> T:
        """Answer a question from one consistent snapshot."""
        ...

    async def write(self, deed: Callable[[Writer], T]) -> T:
        """Do a deed in one transaction: all of it is kept, or, when it raises, none of it."""
        ...

    def follow(self, after: int | None = None) -> AsyncIterator[Event]:
        """Give every event with a sequence above `after` as it is committed, without end.

        None starts with what is committed from now on.
        """
        ...

    async def watch(
        self,
        fields: Mapping[type[Value], tuple[str, ...]],
        told: Callable[[Collection[tuple[Any, ...]]], None],
    ) -> None:
        """Have somebody told which rows of some nouns were put or deleted, by some fields of each.

        All is told that is committed from when this returns on: in the event loop, before the
        `write` returns that did it. Sometimes what was not kept is told, too. Asking again for
        the same changes nothing.
        """
        ...

    async def prune(self, events_before: int, *, limit: int) -> int:
        """Forget the oldest events up to a sequence, so many at most; gives how many they were."""
        ...

    async def close(self) -> None:
        """Finish what is being written, and let go of the database."""
        ...
