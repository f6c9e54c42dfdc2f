"""What can never be placed, remembered until a node or a pool changes."""

from collections.abc import Mapping, Sequence

from headway.calculate.placement.never import Never, never
from headway.calculate.placement.never_together import never_together
from headway.calculate.placement.part import Part
from headway.calculate.placement.table import Table
from headway.calculate.placement.too_few import Copies, too_few
from headway.calculate.placement.wanted import Wanted
from headway.model.demand import Demand
from headway.model.ids import NodeId, PoolName
from headway.model.node import Node
from headway.model.pool import Pool

_Gang = tuple[tuple[str, ...], tuple[Wanted, ...]]
"""The jobs' names, which the answer says, and what each member asks for."""


class Nevers:
    """Answers for all nodes, also those that are lost but not given up."""

    def __init__(self, table: Table, pools: Mapping[PoolName, Pool]) -> None:
        self._table = table
        self._pools = pools
        self._given_up: set[NodeId] = set()
        self.is_told = False
        """Whether the engine has told of all nodes that there are."""
        self._known: dict[tuple[Wanted | None, ...], Never | None] = {}
        self._known_of_gangs: dict[_Gang, Never | None] = {}
        self._known_at = 0

    def give_up(self, node: NodeId) -> None:
        """Count on a node no more."""
        self._given_up.add(node)
        self.forget()

    def count_on(self, node: NodeId) -> None:
        """Count on a node again."""
        self._given_up.discard(node)

    def forget(self) -> None:
        """Look again, as a pool changed."""
        self._known.clear()
        self._known_of_gangs.clear()

    def of(
        self, demand: Demand, wanted: Wanted, alone: Demand | None, its: Wanted | None
    ) -> Never | None:
        """Say why a demand can never be placed, whatever leaves; None where it may be."""
        self._look_again()
        key = (wanted, its)
        if key not in self._known:
            self._known[key] = never(demand, self._nodes(), self._pools, self._given_up, alone)
        return self._known[key]

    def of_gang(self, parts: Sequence[Part], wanted: tuple[Wanted, ...]) -> Never | None:
        """Say why all can never be placed at once, though each can; None where they may be.

        That is said only where all nodes are known.
        """
        self._look_again()
        nodes = [node for node in self._nodes() if node is not None]
        if not self.is_told or len(nodes) < len(self._table.index):
            return None
        gang = tuple(part.job for part in parts), wanted
        if gang not in self._known_of_gangs:
            found = never_together(parts, nodes, self._pools, self._given_up)
            self._known_of_gangs[gang] = found
        return self._known_of_gangs[gang]

    def of_all(self, wanted: Sequence[Copies]) -> Never | None:
        """Say why copies that must be apart can never all be placed; None where they may be."""
        return too_few(wanted, self._nodes(), self._pools, self._given_up)

    def copy(self, table: Table, pools: Mapping[PoolName, Pool]) -> "Nevers":
        """Give ones that go by copies of what these go by."""
        twin = Nevers(table, pools)
        twin._given_up, twin.is_told = self._given_up.copy(), self.is_told
        return twin

    def _look_again(self) -> None:
        if self._known_at != self._table.changes:
            self.forget()
            self._known_at = self._table.changes

    def _nodes(self) -> list[Node | None]:
        return [self._table.nodes[row] for row in self._table.index.values()]
