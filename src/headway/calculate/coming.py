"""Room that comes though no node is added: of what leaves, and of nodes that are silent."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from headway.calculate.placement import Fleet
from headway.model.demand import Demand
from headway.model.ids import ContainerId, NodeId
from headway.model.node import NodeState
from headway.model.value import Value

_LEAVING = timedelta(seconds=30)
"""A copy is thought to be gone so long after it was asked to leave."""


class Coming(Value, kw_only=True):
    """What will make room, or may."""

    leaving: dict[ContainerId, datetime] = msgspec.field(default_factory=dict)
    """Containers of any app that were asked to leave and hold their room, to when they were."""
    silent: dict[NodeId, datetime] = msgspec.field(default_factory=dict)
    """Nodes that are not heard from and may come back, to when they are given up."""

    def ends_at(self, container: ContainerId) -> datetime | None:
        """Say when a container that leaves is thought to have ended; None: it stays."""
        asked_at = self.leaving.get(container)
        return asked_at + _LEAVING if asked_at is not None else None


def room_comes(
    coming: Coming, fleet: Fleet, lacks: Mapping[str, Sequence[Demand]], now: datetime
) -> dict[str, str]:
    """Say of each that lacks room for some what makes it, or may; nobody for whom nothing does.

    All are asked about one fleet as it will be, as making that costs most.
    """
    said: dict[str, str] = {}
    if coming.leaving:
        with fleet.trial():
            for container in coming.leaving:
                fleet.free(container)
            for whom, node in _places(fleet, lacks, now):
                said[whom] = f"{node} has room for it once what leaves there has ended"
    others = {whom: demands for whom, demands in lacks.items() if whom not in said}
    if coming.silent and others:
        for whom, node in _places(_with_silent(coming, fleet), others, now):
            said[whom] = f"{node} is not heard from, and has room for it if it comes back"
    return said


def _places(
    fleet: Fleet, lacks: Mapping[str, Sequence[Demand]], now: datetime
) -> Iterator[tuple[str, NodeId]]:
    """Give a node with room for one of each one's demands, where there is one."""
    known: dict[bytes, NodeId | None] = {}

    def place(demand: Demand) -> NodeId | None:
        key = msgspec.msgpack.encode(demand)
        if key not in known:
            known[key] = fleet.place(demand, now).node
        return known[key]

    for whom, demands in lacks.items():
        node = next(filter(None, map(place, demands)), None)
        if node is not None:
            yield whom, node


def _with_silent(coming: Coming, fleet: Fleet) -> Fleet:
    twin = fleet.copy()
    for identity in sorted(coming.silent):
        node = twin.node(identity)
        if node is not None:
            twin.put(msgspec.structs.replace(node, state=NodeState.READY))
    return twin
