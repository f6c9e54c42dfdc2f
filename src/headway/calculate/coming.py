"""Room that comes though no node is added: of what leaves, and of nodes that are silent."""

from collections.abc import Sequence
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


def room_comes(coming: Coming, fleet: Fleet, lacks: Sequence[Demand], now: datetime) -> str:
    """Say what makes room for one of these, or may; nothing where nothing does."""
    if coming.leaving:
        with fleet.trial():
            for container in coming.leaving:
                fleet.free(container)
            if node := _place(fleet, lacks, now):
                return f"{node} has room for it once what leaves there has ended"
    if coming.silent and (node := _place(_with_silent(coming, fleet), lacks, now)):
        return f"{node} is not heard from, and has room for it if it comes back"
    return ""


def _place(fleet: Fleet, lacks: Sequence[Demand], now: datetime) -> NodeId | None:
    nodes = (fleet.place(demand, now).node for demand in lacks)
    return next((node for node in nodes if node is not None), None)


def _with_silent(coming: Coming, fleet: Fleet) -> Fleet:
    twin = fleet.copy()
    for identity in sorted(coming.silent):
        node = twin.node(identity)
        if node is not None:
            twin.put(msgspec.structs.replace(node, state=NodeState.READY))
    return twin
