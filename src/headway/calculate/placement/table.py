"""All numbers about all nodes: a row for each node, a column for each thing that is counted.

Rows are given in the order in which nodes become known, and ties go to the earlier row. The row of
a node that is gone stays while anything is held there, and is then the next to be given again.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence

from headway.calculate.placement.column import Column
from headway.calculate.placement.held import Held
from headway.calculate.placement.machines import Machines
from headway.calculate.placement.wanted import (
    COMMON,
    CORES,
    DISK,
    MEMORY,
    SHARED,
    UNCOUNTED,
    bits_of,
    offered_by,
)
from headway.calculate.placement.willing import tag_of
from headway.model.ids import NodeId
from headway.model.node import Node

BLOCK_BITS = 9
BLOCK = 1 << BLOCK_BITS
"""Nodes looked at together: enough to choose among, few enough to be quick."""
FEW = 64
"""Up to so many nodes plain lists are as fast as arrays, and cost no import."""


class Table:
    """The rows, and the columns that grow with them."""

    def __init__(self) -> None:
        self.rows = 0
        """So many rows have ever been in use at one time."""
        self.is_many = False
        self.machines = Machines()
        self.index: dict[NodeId, int] = {}
        self.ids: list[NodeId] = []
        self.nodes: list[Node | None] = []
        """None where a node is not there, though something is held on it."""
        self.held: list[dict[str, Held]] = []
        self.dimensions: dict[str, int] = {}
        self.names: list[str] = []
        self.totals: list[int] = []
        """What all nodes together have, by dimension; `whole` knows it also of what is shared."""
        self.sizes: list[Column] = []
        self.units: list[Column] = []
        """The sizes, and 1 where there is nothing: what shares are shares of."""
        self.free: list[Column] = []
        self.ends = Column("float64")
        """When the last of what is there is thought to end, in seconds; 0 where nothing is."""
        self.busy = Column("bool")
        """Whether anything is held there."""
        self.special = Column("int64")
        """Bits of the dimensions that not every node has, of which this one has any."""
        self.specials = 0
        """All bits that any node ever had."""
        self.changes = 0
        """Moves on with every change of what nodes there are, and of what they have."""
        self.turn = 0
        """Moves on with everything that is held, so that not all goes to the first nodes."""
        self.tags: dict[str, Column] = {}
        """Numbers of the values of the tags over which something is spread."""
        self.values: dict[str, dict[str | None, int]] = {}
        self.versions = Column("int64")
        """Of each block, raised when something may fit there that did not before."""
        self.vacant: list[int] = []
        """Rows of no node, a heap: all others are in `index`."""
        self._wholes_at = -1
        for name in (CORES, MEMORY):
            self.dimension(name)

    # --- growing ---------------------------------------------------------------------------------

    def dimension(self, name: str) -> int:
        """Give the number of a dimension; it is made where it is not known yet."""
        found = self.dimensions.get(name)
        if found is not None:
            return found
        number = self.dimensions[name] = len(self.names)
        self.names.append(name)
        self.totals.append(0)
        self.sizes.append(self.column("float64"))
        self.units.append(self.column("float64", blank=1))
        self.free.append(self.column("float64"))
        if name == DISK:  # of the nodes that are there nobody counts it
            for row in (row for row, node in enumerate(self.nodes) if node is not None):
                for column in (self.sizes[-1], self.units[-1], self.free[-1]):
                    column.cells[row] = UNCOUNTED
        return number

    def whole(self, number: int) -> int:
        """Give what all nodes together have of a dimension: of a machine's, once for each."""
        if self.names[number] in SHARED and self._wholes_at != self.changes:
            for name in SHARED & self.dimensions.keys():
                size = self.sizes[self.dimensions[name]].cells
                firsts = (row for row in range(self.rows) if self.machines.rows(row)[0] == row)
                self.totals[self.dimensions[name]] = sum(
                    int(max(size[other] for other in self.machines.rows(row))) for row in firsts
                )
            self._wholes_at = self.changes
        return self.totals[number]

    def column(self, dtype: str, blank: int = 0) -> Column:
        """Give a new column as long as all others."""
        return Column(dtype, self.rows, many=self.is_many, blank=blank)

    def tag(self, tag: str) -> Column:
        """Give the column of a tag's values; says the number of each, None's too."""
        column = self.tags.get(tag)
        if column is None:
            column = self.tags[tag] = self.column("int32")
            self.values[tag] = {}
            for row in range(self.rows):
                self._note_value(tag, row)
        return column

    def _note_value(self, tag: str, row: int) -> None:
        node = self.nodes[row]
        numbers = self.values[tag]
        value = tag_of(node, tag) if node is not None else None
        self.tags[tag].cells[row] = numbers.setdefault(value, len(numbers))

    def row(self, node: NodeId) -> int:
        """Give the row of a node, which is made where it is not known yet."""
        found = self.index.get(node)
        if found is not None:
            return found
        if self.vacant:
            row = heapq.heappop(self.vacant)
            self.ids[row] = node
        else:
            row = self.rows
            self.rows += 1
            self.ids.append(node)
            self.nodes.append(None)
            self.held.append({})
            self._grow()
        self.index[node] = row
        self.changes += 1
        for tag in self.tags:
            self._note_value(tag, row)
        return row

    def _columns(self) -> Iterable[Column]:
        return (
            *self.sizes,
            *self.units,
            *self.free,
            self.ends,
            self.busy,
            self.special,
            *self.tags.values(),
        )

    def _grow(self) -> None:
        self.is_many = self.is_many or self.rows > FEW
        for column in self._columns():
            column.fit(self.rows, many=self.is_many)
        self.versions.fit((self.rows + BLOCK - 1) >> BLOCK_BITS, many=self.is_many)

    # --- writing ---------------------------------------------------------------------------------

    def put(self, row: int, node: Node | None) -> None:
        """Take over what a node has; None is one that is not there."""
        self.nodes[row] = node
        self.changes += 1
        offered: dict[str, int] = {}
        if node is not None:
            offered = offered_by(node)
        for name in offered:
            self.dimension(name)
        if node is not None and DISK in self.dimensions:
            offered.setdefault(DISK, UNCOUNTED)
        self._resize(row, offered)
        left = [other for other in self.machines.rows(row) if other != row]
        if node is not None:
            self.machines.join(row, node.machine)
        self._share(self.machines.rows(row))
        self._share(self.machines.rows(left[0]) if left else ())
        for tag in self.tags:
            self._note_value(tag, row)
        self.touch(row)
        self.vacate(row)

    def vacate(self, row: int) -> None:
        """Give a row up if its node is not there and nothing is held on it."""
        node = self.ids[row]
        if self.nodes[row] is None and not self.held[row] and self.index.get(node) == row:
            del self.index[node]
            self.machines.join(row, "")
            self.changes += 1
            heapq.heappush(self.vacant, row)

    def _resize(self, row: int, offered: Mapping[str, int]) -> None:
        for number, name in enumerate(self.names):
            size = offered.get(name, 0)
            if name not in SHARED:
                self.totals[number] += size - int(self.sizes[number].cells[row])
            self.free[number].cells[row] += size - self.sizes[number].cells[row]
            self.sizes[number].cells[row] = size
            self.units[number].cells[row] = max(size, 1)
        special = bits_of(self.dimensions[name] for name in offered if name not in COMMON)
        self.special.cells[row] = special
        self.specials |= special

    def _share(self, rows: Sequence[int]) -> None:
        """Count what belongs to a machine by what is on all of its nodes."""
        for number in (self.dimensions[name] for name in SHARED if name in self.dimensions):
            taken = sum(
                amount
                for row in rows
                for held in self.held[row].values()
                for shared, amount in held.wanted.shared
                if shared == number
            )
            for row in rows:
                self.free[number].cells[row] = self.sizes[number].cells[row] - taken
                self.touch(row)

    def take_of_mates(self, row: int, shared: Sequence[tuple[int, int]], sign: int) -> None:
        """Take of the other nodes of a machine what is taken of it as a whole, or give it back."""
        for other in self.machines.rows(row):
            if other != row:
                for number, amount in shared:
                    self.free[number].cells[other] -= sign * amount
                self.touch(other)

    def touch(self, row: int) -> None:
        """Note that something may fit there that did not before."""
        self.versions.cells[row >> BLOCK_BITS] += 1

    def copy(self) -> "Table":
        """Give one that changes on its own."""
        twin = Table.__new__(Table)
        twin.rows, twin.is_many = self.rows, self.is_many
        twin.specials, twin.turn, twin.changes = self.specials, self.turn, self.changes
        twin.machines = self.machines.copy()
        twin.index, twin.ids, twin.nodes = self.index.copy(), self.ids.copy(), self.nodes.copy()
        twin.held = [held.copy() for held in self.held]
        twin.dimensions, twin.names = self.dimensions.copy(), self.names.copy()
        twin.totals = self.totals.copy()
        twin.sizes = [column.copy() for column in self.sizes]
        twin.units = [column.copy() for column in self.units]
        twin.free = [column.copy() for column in self.free]
        twin.ends, twin.busy = self.ends.copy(), self.busy.copy()
        twin.special = self.special.copy()
        twin.tags = {tag: column.copy() for tag, column in self.tags.items()}
        twin.values = {tag: numbers.copy() for tag, numbers in self.values.items()}
        twin.versions = self.versions.copy()
        twin.vacant, twin._wholes_at = self.vacant.copy(), self._wholes_at
        return twin
