"""The rows of the store in memory, as they are, and what finds them by a field."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, TypeVar

from headway.model.value import Value
from headway.sim.index import Equal, Kept, Lowest
from headway.stores.tables import Table

Index = TypeVar("Index", Equal, Lowest)


class Rows:
    """The rows of one noun; an index is made of them when it is first asked for."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.kept: dict[tuple[Any, ...], Kept] = {}
        self.by_ordinal: dict[int, Value] = {}
        self.ordinals = 0
        self.key = _reads(table.key)
        self._equal: dict[str, Equal] = {}
        self._lowest: dict[str, Lowest] = {}
        self._indexes: list[tuple[str, Equal | Lowest]] = []
        """Those of both kinds, each with its field."""
        self._read = _reads(())
        """Reads the fields of all indexes at once."""
        self._values: dict[int, tuple[Any, ...]] = {}
        """By ordinal, what a row had when the indexes were told of it."""

    def set(self, key: tuple[Any, ...], kept: Kept | None) -> Kept | None:
        """Let a row be as it is given, or be gone; gives what was there."""
        before = self.kept.get(key)
        if kept is not None:
            ordinal = kept.ordinal
            self.kept[key] = kept
            self.by_ordinal[ordinal] = kept.row
            self._follow(ordinal, self._read(kept.row))
        elif before is not None:
            del self.kept[key]
            del self.by_ordinal[before.ordinal]
            self._follow(before.ordinal, (None,) * len(self._indexes))
            del self._values[before.ordinal]
        return before

    def _follow(self, ordinal: int, values: tuple[Any, ...]) -> None:
        """Tell the indexes what has changed; most changes are of few fields."""
        before = self._values.get(ordinal) or (None,) * len(values)
        if values != before:
            for (_, index), old, new in zip(self._indexes, before, values, strict=True):
                if old != new:
                    index.change(ordinal, old, new)
        self._values[ordinal] = values

    def equal(self, field: str) -> Equal:
        """Give the index by equal values of a field."""
        return self._index(self._equal, Equal, field)

    def lowest(self, field: str) -> Lowest:
        """Give the index by order of a field."""
        return self._index(self._lowest, Lowest, field)

    def _index(self, known: dict[str, Index], make: Callable[[], Index], field: str) -> Index:
        """Give an index, made of what is there when it is first asked for."""
        found = known.get(field)
        if found is None:
            found = known[field] = make()
            self._indexes.append((field, found))
            self._read = _reads([name for name, _ in self._indexes])
            for ordinal, row in self.by_ordinal.items():
                values = self._values[ordinal] = self._read(row)
                if (value := values[-1]) is not None:
                    found.change(ordinal, None, value)
        return found


def _reads(fields: Sequence[str]) -> Callable[[Value], tuple[Any, ...]]:
    """Give what reads some fields of a row."""
    if not fields:
        return lambda _row: ()
    read = attrgetter(*fields)
    return read if len(fields) > 1 else lambda row: (read(row),)
