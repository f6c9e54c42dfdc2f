"""What it costs to lose something so that another takes its place."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from headway.calculate.placement.fleet import Fleet
from headway.calculate.placement.yielding import Open
from headway.model.demand import Demand
from headway.model.ids import NodeId
from headway.model.preempting import Offer

_AWAY_S = 3600.0
"""How long a copy of a service is thought to be away, where nobody knows when there is room."""
_MOVE_S = 60.0
"""What it costs that a copy starts elsewhere first: its start, and its requests' ends."""


class Loss(NamedTuple):
    """What it costs to lose something: less is better, by the first that differs."""

    priority: int
    work: float
    """Core seconds: of a run those done so far, which are done again; of a copy of a service those
    in which it is not there."""
    number: int = 1


_LOST_ANYWAY = Loss(-1000, 0.0, 0)


class Losses:
    """What it costs a fleet to lose things for a demand. Each is asked once."""

    def __init__(self, fleet: Fleet, demand: Demand, now: datetime) -> None:
        self.demand = demand
        self.now = now
        self._fleet = fleet
        self._spare: dict[Offer, int] = {}
        self._elsewhere: dict[tuple[Offer, NodeId], bool] = {}

    def of(self, one: Open) -> Loss:
        """Give what it costs to lose one thing."""
        held = one.held
        if self._fleet.yielding.is_leaving(held.what):
            return _LOST_ANYWAY
        return Loss(held.demand.priority, self._lost_s(one) * held.demand.resources.cpu)

    def sum(self, gone: Iterable[Open]) -> Loss:
        """Give what it costs to lose all of these."""
        losses = [self.of(one) for one in gone]
        return Loss(
            max(loss.priority for loss in losses),
            sum(loss.work for loss in losses),
            sum(loss.number for loss in losses),
        )

    def may_go(self, one: Open, left: dict[Offer, int]) -> bool:
        """Say whether one more of its like may go; `left` counts those that may."""
        offer = one.offer
        if offer is None or self._fleet.yielding.is_leaving(one.held.what):
            return True
        if offer not in self._spare:
            self._spare[offer] = self._fleet.yielding.spare(offer)
        left[offer] = left.get(offer, self._spare[offer]) - 1
        return left[offer] >= 0

    def _lost_s(self, one: Open) -> float:
        held, now = one.held, self.now
        if one.offer is None:
            began_s = held.until - (held.demand.expected_s or 0.0)
            return max(0.0, now.timestamp() - began_s)
        if self._fits_elsewhere(held.demand, one.offer, one.node):
            return _MOVE_S
        return self.demand.expected_s if self.demand.expected_s is not None else _AWAY_S

    def _fits_elsewhere(self, demand: Demand, offer: Offer, node: NodeId) -> bool:
        known = self._elsewhere.get((offer, node))
        if known is None:
            placed = self._fleet.place(demand, self.now, but=(node,))
            known = self._elsewhere[offer, node] = placed.node is not None
        return known


def told(found: Sequence[Open], losses: Losses) -> tuple[str, str]:
    """Name what is lost, and say what of it."""
    copies = sum(one.offer is not None for one in found)
    of = "work" if not copies else "service" if copies == len(found) else "work and service"
    highest = max(one.held.demand.priority for one in found)
    what = f"{_counted(found, copies)} of priority {highest}"
    return what, f"{losses.sum(found).work:.0f} core seconds of {of}"


def _counted(found: Sequence[Open], copies: int) -> str:
    if len(found) == 1:
        return found[0].held.what
    runs = len(found) - copies
    words = [f"{runs} run{'s' if runs > 1 else ''}"] if runs else []
    words += [f"{copies} cop{'ies' if copies > 1 else 'y'}"] if copies else []
    return " and ".join(words)
