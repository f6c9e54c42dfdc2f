"""Who wants to know which rows were put or deleted."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from headway.model.value import Value
from headway.stores.tables import TABLES

Told = Callable[[Collection[tuple[Any, ...]]], None]


class Watch(NamedTuple):
    """What of the rows of one noun is told to whom."""

    places: tuple[int, ...]
    """Of the columns whose values are told."""
    told: Told


class Watches:
    """All of them. What is watched is decided in the event loop, and read in any thread."""

    def __init__(self) -> None:
        self._of: dict[type[Value], tuple[Watch, ...]] = {}

    def add(self, fields: Mapping[type[Value], tuple[str, ...]], told: Told) -> None:
        """Have somebody told, once however often that is asked for."""
        for kind, names in fields.items():
            columns = TABLES[kind].columns
            watch = Watch(tuple(columns.index(name) for name in names), told)
            known = self._of.get(kind, ())
            if watch not in known:
                self._of[kind] = (*known, watch)

    @property
    def are_any(self) -> bool:
        """Whether anybody wants to know anything."""
        return bool(self._of)

    def of(self, kind: type[Value]) -> tuple[Watch, ...]:
        """Give those of one noun."""
        return self._of.get(kind, ())


class Touched:
    """What is to be told of one transaction."""

    def __init__(self, watches: Watches) -> None:
        self._watches = watches
        self._found: dict[Told, set[tuple[Any, ...]]] = {}

    def asks(self, kind: type[Value]) -> bool:
        """Say whether anybody wants to know of a noun's rows."""
        return bool(self._watches.of(kind))

    def note(self, kind: type[Value], values: tuple[Any, ...]) -> None:
        """Note a row that was put or deleted, by what it has in its columns."""
        for watch in self._watches.of(kind):
            found = self._found.setdefault(watch.told, set())
            found.add(tuple(values[place] for place in watch.places))

    def tell(self) -> None:
        """Tell it."""
        for told, found in self._found.items():
            told(found)
