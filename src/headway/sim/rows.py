"""The rows of the store in memory, as they are, and what finds them by a field."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, TypeVar

import msgspec

from headway.model.value import Value
from headway.sim.index import Counted, Equal, Lowest
from headway.stores.tables import Table

Index = TypeVar("Index", Equal, Lowest, Counted)


class Kept(msgspec.Struct, eq=False, gc=False):
    """A row, and its place among those of its kind: when it was first put."""

    ordinal: int
    row: Value
    values: tuple[Any, ...]
    """What it has in the fields of which there are indexes."""


class Rows:
    """The rows of one noun; an index is made of them when it is first asked for."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.kept: dict[Any, Kept] = {}
        """By key: of one field its value, of several a tuple."""
        self.by_ordinal: dict[int, Kept] = {}
        self._ordinals = 0
        self.key = attrgetter(*table.key)
        self._equal: dict[str, Equal] = {}
        self._lowest: dict[str, Lowest] = {}
        self._counted: dict[str, Counted] = {}
        self._fields: list[str] = []
        """Of which there are indexes."""
        self._indexes: list[list[Equal | Lowest | Counted]] = []
        """Those of each field."""
        self._read = _reads(())
        """Reads all these fields at once."""
        self._no_values: tuple[None, ...] = ()

    def put(self, key: Any, row: Value, before: Kept | None) -> None:
        """Let a row be as it is given; `before` is what is kept of it."""
        if before is None:
            self._ordinals += 1
            ordinal, known = self._ordinals, self._no_values
        else:
            ordinal, known = before.ordinal, before.values
        values = self._read(row)
        self.kept[key] = self.by_ordinal[ordinal] = Kept(ordinal, row, values)
        if values != known:
            self._follow(ordinal, known, values)

    def put_back(self, key: Any, before: Kept | None) -> None:
        """Let a row be as it was, or be gone where it was not there."""
        now = self.kept.get(key)
        if before is None:
            if now is not None:
                self.delete(key, now)
            return
        before.values = self._read(before.row)  # there may be indexes that there were not
        self.kept[key] = self.by_ordinal[before.ordinal] = before
        known = self._no_values if now is None else now.values
        self._follow(before.ordinal, known, before.values)
        if now is None:  # it stands behind those that were put later
            self.by_ordinal = dict(sorted(self.by_ordinal.items()))

    def delete(self, key: Any, before: Kept) -> None:
        """Let a row be gone."""
        del self.kept[key]
        del self.by_ordinal[before.ordinal]
        self._follow(before.ordinal, before.values, self._no_values)

    def _follow(self, ordinal: int, before: tuple[Any, ...], now: tuple[Any, ...]) -> None:
        """Tell the indexes what has changed; most changes are of few fields."""
        for indexes, old, new in zip(self._indexes, before, now, strict=True):
            if old != new:
                for index in indexes:
                    index.change(ordinal, old, new)

    def equal(self, field: str) -> Equal:
        """Give the index by equal values of a field."""
        return self._equal.get(field) or self._index(self._equal, Equal(), field)

    def lowest(self, field: str) -> Lowest:
        """Give the index by order of a field."""
        return self._lowest.get(field) or self._index(self._lowest, Lowest(), field)

    def counted(self, field: str) -> Counted:
        """Give the count of those that have a value in a field."""
        return self._counted.get(field) or self._index(self._counted, Counted(), field)

    def _index(self, known: dict[str, Index], index: Index, field: str) -> Index:
        """Make an index of what is there."""
        known[field] = index
        if field in self._fields:
            self._indexes[self._fields.index(field)].append(index)
        else:
            self._fields.append(field)
            self._indexes.append([index])
            self._read, self._no_values = _reads(self._fields), (None,) * len(self._fields)
            for kept in self.by_ordinal.values():
                kept.values = self._read(kept.row)
        place = self._fields.index(field)
        for kept in self.by_ordinal.values():
            if (value := kept.values[place]) is not None:
                index.change(kept.ordinal, None, value)
        return index


def _reads(fields: Sequence[str]) -> Callable[[Value], tuple[Any, ...]]:
    """Give what reads some fields of a row."""
    if not fields:
        return lambda _row: ()
    read = attrgetter(*fields)
    return read if len(fields) > 1 else lambda row: (read(row),)
