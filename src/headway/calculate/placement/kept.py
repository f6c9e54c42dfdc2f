"""Parts of nodes that are kept for what is placed under a lease."""

from collections.abc import Sequence

from headway.calculate.keeping import rest
from headway.calculate.placement.holds import Holds
from headway.model.demand import Demand
from headway.model.ids import NodeId
from headway.model.lease import Share
from headway.model.resources import Resources


class Kept:
    """By lease and node, its share; what the lease does not use of it is held meanwhile."""

    def __init__(self, holds: Holds) -> None:
        self.of: dict[str, dict[NodeId, Share]] = {}
        self._holds = holds

    def keep(self, lease: str, shares: Sequence[Share]) -> set[NodeId]:
        """Hold other shares than before; says on which nodes that changes anything."""
        before = self.of.pop(lease, {})
        if shares:
            self.of[lease] = {share.node: share for share in shares}
        changed = before.keys() | self.of.get(lease, {}).keys()
        for node in sorted(changed):
            self.settle(lease, node)
        return changed

    def settle(self, lease: str, node: NodeId) -> None:
        """Hold anew what is left of a share beside what its lease has on the node."""
        name = _name(lease, node)
        self._holds.free(name)
        share = self.of.get(lease, {}).get(node)
        if share is None:
            return
        there = self._holds.on(node).values()
        own = [held.demand.resources for held in there if held.demand.lease == lease]
        left = rest(share, [(one.cpu, one.memory_mib) for one in own])
        if left.cpu or left.memory_mib:
            size = Resources(cpu=left.cpu, memory_mib=left.memory_mib)
            self._holds.hold(name, node, Demand(resources=size))

    def open_to(self, demand: Demand) -> list[str]:
        """Name what is held for a demand."""
        return [_name(demand.lease, node) for node in self.of.get(demand.lease, ())]

    def copy(self, holds: Holds) -> "Kept":
        """Give ones that change on their own, of a copy of what these change."""
        twin = Kept(holds)
        twin.of = {lease: shares.copy() for lease, shares in self.of.items()}
        return twin


def _name(lease: str, node: NodeId) -> str:
    """Name what is kept for a lease; a colon is in no name of a container or of a run."""
    return f"kept:{lease}:{node}"
