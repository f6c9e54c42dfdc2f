"""Which rows of a table are nodes of one machine."""

from collections.abc import Sequence


class Machines:
    """Rows by machine. Most machines are one node, and are not listed."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        """Of rows whose nodes are a part of a machine."""
        self._rows: dict[str, tuple[int, ...]] = {}

    def rows(self, row: int) -> Sequence[int]:
        """List the rows of a row's machine, its own too."""
        name = self._names.get(row)
        return (row,) if name is None else self._rows[name]

    def with_(self, name: str) -> Sequence[int]:
        """List the rows of a machine, of which there may be none."""
        return self._rows.get(name, ())

    def join(self, row: int, name: str) -> None:
        """Have a row be of a machine; of none, where that has no name."""
        known = self._names.pop(row, None)
        if known is not None:
            left = tuple(other for other in self._rows.pop(known) if other != row)
            if left:
                self._rows[known] = left
        if name:
            self._names[row] = name
            self._rows[name] = tuple(sorted((*self._rows.get(name, ()), row)))

    def copy(self) -> "Machines":
        """Give ones that change on their own."""
        twin = Machines()
        twin._names, twin._rows = self._names.copy(), self._rows.copy()
        return twin
