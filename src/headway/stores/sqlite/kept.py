"""Rows that are about to change again, as the file has them."""

from collections import OrderedDict
from typing import Any, NamedTuple

from headway.model.value import Value

Key = tuple[str | int, ...]

_ROWS_MAX = 1024
_DOC_BYTES_MAX = 4096
"""Larger rows are read again, so that all that is kept stays within a few megabytes."""


class Kept(NamedTuple):
    """One row."""

    row: Any
    columns: tuple[Any, ...]


class KeptRows:
    """What only one thread changes, it need not read again: the end of a run follows its start.

    To find a row and decode it takes as long as to write it.
    """

    def __init__(self) -> None:
        self._rows: OrderedDict[tuple[type[Value], Key], Kept] = OrderedDict()

    def get(self, kind: type[Value], key: Key) -> Kept | None:
        """Give a row, if it is kept."""
        return self._rows.get((kind, key))

    def keep(self, key: Key, row: Value, columns: tuple[Any, ...], doc: bytes) -> None:
        """Keep a row as it was written just now."""
        if len(doc) > _DOC_BYTES_MAX:
            self.drop(type(row), key)
            return
        self._rows[type(row), key] = Kept(row, columns)
        if len(self._rows) > _ROWS_MAX:
            self._rows.popitem(last=False)

    def drop(self, kind: type[Value], key: Key) -> None:
        """Hear that a row is not about to change any more, or is no more."""
        self._rows.pop((kind, key), None)

    def clear(self) -> None:
        """Hear that something of what was done was undone."""
        self._rows.clear()
