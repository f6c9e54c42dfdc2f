"""Where the copies of something are: asked by node, and by the value of a tag."""

from collections.abc import Mapping

from headway.calculate.placement.column import Column


class Crowd:
    """How many of it there are on each node that has any. Every question is answered at once."""

    __slots__ = ("column", "counts", "values")

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        """By row of the node."""
        self.column: Column | None = None
        """The same as an array, where it is on many nodes and was asked for by arrays."""
        self.values: dict[str, dict[int, int]] = {}
        """By tag, then by the number of the value: only of tags that were asked for."""

    def change(self, row: int, by: int, tags: Mapping[str, Column]) -> None:
        """Count one more or less on a node."""
        counts = self.counts
        count = counts.get(row, 0) + by
        if count:
            counts[row] = count
        else:
            del counts[row]
        if self.column is not None:
            if row >= len(self.column.cells):
                self.column.fit(row + 1, many=True)
            self.column.cells[row] = count
        for tag, by_value in self.values.items():
            value = tags[tag].cells[row]
            by_value[value] = by_value.get(value, 0) + by

    def by_value(self, tag: str, tags: Mapping[str, Column]) -> Mapping[int, int]:
        """Give how many there are with each value of a tag; from the first time on it is known."""
        found = self.values.get(tag)
        if found is None:
            found = self.values[tag] = {}
            cells = tags[tag].cells
            for row, count in self.counts.items():
                found[cells[row]] = found.get(cells[row], 0) + count
        return found

    def copy(self) -> "Crowd":
        """Give one that changes on its own."""
        twin = Crowd()
        twin.counts = self.counts.copy()
        twin.values = {tag: counts.copy() for tag, counts in self.values.items()}
        return twin
