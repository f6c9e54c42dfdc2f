"""Where the copies of something are: asked by node, by block of nodes and by the value of a tag."""

from collections.abc import Mapping

BLOCK_BITS = 9
BLOCK = 1 << BLOCK_BITS
"""Nodes looked at together: enough to choose among, few enough to be quick."""


class Crowd:
    """How many of it there are on each node that has any. Every question is answered at once."""

    __slots__ = ("blocks", "counts", "values")

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        """By row of the node."""
        self.blocks: dict[int, dict[int, int]] = {}
        """The same, by block of rows."""
        self.values: dict[str, dict[int, int]] = {}
        """By tag, then by the number of the value: only of tags over which something is spread."""

    def change(self, row: int, by: int, values: Mapping[str, int]) -> None:
        """Count one more or less on a node, whose values of the tags in use are given."""
        block = self.blocks.setdefault(row >> BLOCK_BITS, {})
        count = block.get(row, 0) + by
        if count:
            self.counts[row] = block[row] = count
        else:
            del self.counts[row], block[row]
            if not block:
                del self.blocks[row >> BLOCK_BITS]
        for tag, value in values.items():
            counts = self.values.setdefault(tag, {})
            count = counts.get(value, 0) + by
            if count:
                counts[value] = count
            else:
                del counts[value]

    def copy(self) -> "Crowd":
        """Give one that changes on its own."""
        twin = Crowd()
        twin.counts = self.counts.copy()
        twin.blocks = {block: rows.copy() for block, rows in self.blocks.items()}
        twin.values = {tag: counts.copy() for tag, counts in self.values.items()}
        return twin
