"""Changes of rows that a deed makes, kept until something is read or the deed is done."""

from collections.abc import Callable
from itertools import compress, count, groupby
from operator import attrgetter, ne
from typing import Any, NamedTuple

from headway.model.value import Value
from headway.ports.store import Stale
from headway.stores.sqlite.kept import Key
from headway.stores.sqlite.statements import together, updating
from headway.stores.tables import TABLES, Table


class There(NamedTuple):
    """What the file has of a row, or will have once its change is written."""

    version: int
    columns: tuple[Any, ...]


class _Change(NamedTuple):
    kind: type[Value]
    columns: tuple[int, ...]
    """Those that are set: SQLite touches the indexes of all of these, changed or not."""
    given: tuple[Any, ...]


_what = attrgetter("kind", "columns")


class Updates:
    """Those of one connection, each checked against the row as it is when it is put."""

    def __init__(self, change: Callable[[str, tuple[Any, ...]], Any]) -> None:
        self._change = change
        self._changes: list[_Change] = []
        self._keys: set[tuple[type[Value], Key]] = set()

    def add(
        self, table: Table, there: There | None, version: int, values: tuple[Any, ...], doc: bytes
    ) -> None:
        """Change a row from this version to the next.

        Raises:
            Stale: It has another, or is gone.
        """
        key = values[: len(table.key)]
        if there is None or there.version != version:
            name = "/".join(map(str, key))
            became = f"changed since version {version}" if there else "deleted"
            raise Stale(f"{table.name} {name}: it was {became}")
        if (table.kind, key) in self._keys:
            self.write()
        columns = tuple(compress(count(), map(ne, there.columns, values)))
        given = (*key, *[values[at] for at in columns], version + 1, doc)
        self._changes.append(_Change(table.kind, columns, given))
        self._keys.add((table.kind, key))

    def write(self) -> None:
        """Write them."""
        if not self._changes:
            return
        for (kind, columns), alike in groupby(self._changes, _what):
            rows = [change.given for change in alike]
            written = 0
            for size, given in together(rows):
                written += self._change(updating(kind, columns, size), given).rowcount
            if written != len(rows):  # what was known of them was not so
                name = TABLES[kind].name
                raise Stale(f"{name}: {len(rows) - written} of {len(rows)} rows are not as known")
        self.clear()

    def clear(self) -> None:
        """Leave them unwritten."""
        self._changes.clear()
        self._keys.clear()
