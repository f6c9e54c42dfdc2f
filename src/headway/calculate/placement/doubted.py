"""Ports that nodes last said somebody has, and without which something would go there."""

from collections.abc import Collection, Iterator
from datetime import datetime
from itertools import islice

import msgspec

from headway.calculate.placement.fleet import Fleet
from headway.model.demand import Demand
from headway.model.ids import NodeId
from headway.model.plan import MachinePort

_NODES_MAX = 16
"""Each is asked: where so many have the port taken, others will hardly be free of it by now."""


def doubted(
    fleet: Fleet, demand: Demand, now: datetime, among: Collection[NodeId] | None = None
) -> Iterator[MachinePort]:
    """Give those of a few nodes: whoever had one may have gone since."""
    if not demand.ports:
        return
    if among is None:
        among = fleet.eligible(msgspec.structs.replace(demand, ports=()), now)
    nodes = (node for name in among if (node := fleet.node(name)) is not None)
    rows = ((node.id, taken) for node in nodes if (taken := node.taken(demand.ports)))
    for name, ports in islice(rows, _NODES_MAX):
        yield from (MachinePort(name, port) for port in ports)
