"""One number for each node: a list while nodes are few, a numpy array above that."""

from typing import Any


class Column:
    """`cells[row]` reads and writes one number, `values` are all of them, in either form."""

    __slots__ = ("_blank", "_dtype", "cells", "values")

    def __init__(self, dtype: str, length: int = 0, *, many: bool = False, blank: int = 0) -> None:
        self._dtype = dtype
        self._blank = blank
        self.values: Any = []
        """Whole numbers throughout, also where the type is `float64`, so that sums never drift."""
        self.cells: Any = self.values
        """The same memory, which gives and takes Python's numbers: an array's own are slower."""
        self.fit(length, many=many)

    def fit(self, length: int, *, many: bool) -> None:
        """Have room for so many rows, new ones blank; an array takes more, as appending does."""
        values = self.values
        is_list = isinstance(values, list)
        lacking = length - len(values)
        if is_list and not many:
            if lacking > 0:
                values.extend([self._blank] * lacking)
        elif is_list or lacking > 0:
            import numpy as np  # only where nodes are many: an idle control plane stays small

            grown = np.full(max(length, 2 * len(values)), self._blank, self._dtype)
            grown[: len(values)] = values
            self._take(grown)

    def copy(self) -> "Column":
        """Give one that changes on its own."""
        twin = Column(self._dtype, blank=self._blank)
        twin._take(self.values.copy())
        return twin

    def _take(self, values: Any) -> None:
        self.values = values
        self.cells = values if isinstance(values, list) else memoryview(values)
