"""Packs by a rule, and by headway's fleet, in the same harness: a node is opened if nothing fits."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

import numpy as np

from benchmarks.packing.rules import Rule
from benchmarks.packing.traces import Item, Load
from headway.calculate.placement import Fleet
from headway.model.demand import Demand
from headway.model.ids import NodeId
from headway.model.node import Node
from headway.model.resources import Resources

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
SLACK = 1e-6


class Packer(Protocol):
    """Open nodes, by number; what is on them."""

    def take(self, name: int, item: Item, expected_s: float) -> int | None:
        """Put an item on an open node that it fits on; gives the node."""
        ...

    def open(self, node: int) -> None:
        """Have one more node, empty."""
        ...

    def close(self, node: int) -> None:
        """Have it no more."""
        ...

    def drop(self, name: int, item: Item, node: int) -> None:
        """Take an item away."""
        ...


class ByRule:
    """All open nodes are looked at."""

    def __init__(self, load: Load, rule: Rule) -> None:
        self._size = np.array(load.node, float)
        self._rule = rule
        self._free = np.full((256, len(load.node)), -1.0)
        """A row for each node; less than nothing is free of one that is not open."""
        self._rows = 0

    def take(self, _name: int, item: Item, _expected_s: float) -> int | None:
        need = np.array(item.needs)
        fits = (self._free[: self._rows] >= need - SLACK).all(axis=1).nonzero()[0]
        if not fits.size:
            return None
        node = int(fits[self._rule(self._free[fits], need, self._size)])
        self._free[node] -= need
        return node

    def open(self, node: int) -> None:
        if node >= len(self._free):
            more = np.full((len(self._free), self._free.shape[1]), -1.0)
            self._free = np.vstack((self._free, more))
        self._rows = max(self._rows, node + 1)
        self._free[node] = self._size

    def close(self, node: int) -> None:
        self._free[node] = -1.0

    def drop(self, _name: int, item: Item, node: int) -> None:
        self._free[node] += np.array(item.needs)


class ByHeadway:
    """The fleet, as the control plane has it."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._fleet = Fleet()
        self._demands: dict[tuple[float, ...], Demand] = {}
        self.now = EPOCH

    def take(self, name: int, item: Item, expected_s: float) -> int | None:
        now = EPOCH + timedelta(seconds=item.begin)
        demand = Demand(resources=_resources(item.needs), expected_s=expected_s or None)
        placed = self._fleet.place(demand, now)
        if placed.node is None:
            return None
        until = now + timedelta(seconds=expected_s) if expected_s else None
        self._fleet.hold(str(name), placed.node, demand, until)
        return int(placed.node)

    def open(self, node: int) -> None:
        cpu, memory, *others = self._load.node
        custom = {f"r{at}": amount for at, amount in enumerate(others)}
        self._fleet.put(Node(id=NodeId(str(node)), cpu=cpu, memory_mib=int(memory), custom=custom))

    def close(self, node: int) -> None:
        self._fleet.remove(NodeId(str(node)))

    def drop(self, name: int, _item: Item, _node: int) -> None:
        self._fleet.free(str(name))


def _resources(needs: tuple[float, ...]) -> Resources:
    cpu, memory, *others = needs
    custom = {f"r{at}": amount for at, amount in enumerate(others) if amount}
    return Resources(cpu=cpu, memory_mib=int(memory), custom=custom)


Made = Callable[[], Packer]


def nodes_used(items: list[Item], packer: Packer) -> int:
    """Pack all at once, in this order; gives how many nodes were opened."""
    opened = 0
    for name, item in enumerate(items):
        if packer.take(name, item, 0.0) is None:
            packer.open(opened)
            opened += 1
            assert packer.take(name, item, 0.0) is not None, item
    return opened
