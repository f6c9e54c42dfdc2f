"""A node in the simulation: what is free of it, now and later."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from headway.model.demand import Demand
from headway.model.node import Node
from headway.model.pool import NodeType

_ROUNDING = 1e-6

Suits = Callable[[Demand, Node], bool]
"""Whether a demand's rules let it go to a node, however full that is."""


@dataclass(slots=True, eq=False)
class Need:
    """What a demand asks for, as numbers."""

    number: int
    demand: Demand
    amounts: tuple[tuple[int, float], ...]
    """(axis, how much), without those that are 0."""
    picky: bool = False
    """It does not suit every node, or not beside everything."""


@dataclass(slots=True, eq=False)
class Site:
    """One node."""

    node: Node
    kind: NodeType
    free: list[float]
    """By axis: cores, MiB, GPUs, then what else is asked for."""
    suits: Suits
    opens_s: float = 0.0
    """When it takes something, from now."""
    paid_s: float = 0.0
    """So long from now it is paid for already."""
    ends: list[tuple[float, Need]] = field(default_factory=list)
    """When what runs there is thought to end."""
    used: int = 0
    """So many of what waits were put there."""
    needed: int = 0
    """So many of those would have a node added for them."""
    loaded_until_s: float = 0.0
    """What runs there is thought to end by then."""
    busy_until_s: float = 0.0
    """So does what was put there."""
    ends_by_s: float = 0.0
    """What runs there has ended by then even if it takes long."""
    crowds: set[str] = field(default_factory=set)
    ports: set[int] = field(default_factory=set)
    _suited: dict[int, bool] = field(default_factory=dict)

    def takes(self, need: Need) -> bool:
        """Say whether there is room now, of the right kind."""
        free = self.free
        for axis, amount in need.amounts:
            if free[axis] + _ROUNDING < amount:
                return False
        return not need.picky or self._suits(need)

    def take(self, need: Need) -> None:
        """Use what it needs."""
        for axis, amount in need.amounts:
            self.free[axis] -= amount
        if need.picky:
            self.ports.update(need.demand.ports)
            if need.demand.crowd:
                self.crowds.add(need.demand.crowd)

    def give(self, need: Need) -> None:
        """Give back what it needed."""
        for axis, amount in need.amounts:
            self.free[axis] += amount

    def twin(self) -> "Site":
        """Give one of which something can be taken, and this one stays as it is."""
        free, crowds, ports = self.free.copy(), self.crowds.copy(), self.ports.copy()
        return replace(self, free=free, crowds=crowds, ports=ports)

    def _suits(self, need: Need) -> bool:
        demand = need.demand
        known = self._suited.get(need.number)
        if known is None:
            known = self._suited[need.number] = self.suits(demand, self.node)
        if not known or (demand.alone and demand.crowd in self.crowds):
            return False
        if not self.ports.isdisjoint(demand.ports):
            return False
        return not self.crowds.intersection(demand.apart)
