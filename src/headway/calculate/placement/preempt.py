"""Whose place something of higher priority takes: of what may be lost, that which costs least."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from headway.calculate.placement.fleet import Fleet
from headway.calculate.placement.yielding import Open
from headway.model.demand import Demand
from headway.model.ids import ContainerId, NodeId, RunId
from headway.model.preempting import Offer, Preempting

_NODES_MAX = 512
"""Nodes that are compared; those that hold something which may be lost, known longest first."""
_AWAY_S = 3600.0
"""How long a copy of a service is thought to be away, where nobody knows when there is room."""
_MOVE_S = 60.0
"""What it costs that a copy starts elsewhere first: its start, and its requests' ends."""


class _Loss(NamedTuple):
    """What it costs to lose something: less is better, by the first that differs."""

    priority: int
    work: float
    """Core seconds: of a run those done so far, which are done again; of a copy of a service those
    in which it is not there."""
    number: int = 1


_LOST_ANYWAY = _Loss(-1000, 0.0, 0)


class Ask(NamedTuple):
    """What is to be placed, and where it may go."""

    demand: Demand
    among: Collection[NodeId] | None = None
    """Only these nodes, where it is not None."""
    but: Collection[NodeId] = ()
    """None of these nodes."""


def preempt(fleet: Fleet, asks: Sequence[Ask], now: datetime) -> Preempting | None:
    """Say what is to end so that one of these fits, which fit nowhere; None where nothing helps.

    Only runs whose demand allows it and copies that are offered, of a lower priority; never more
    than is needed, nor more copies than their offer lets go. Of the nodes that one where it costs
    least: by the highest priority that is lost there, then by the work, then by how many. The
    fleet is as it was when this returns.
    """
    best: tuple[_Loss, Ask, NodeId, list[Open]] | None = None
    for ask in asks:
        losses = _Losses(fleet, ask.demand, now)
        for node, yielding in _by_node(fleet, ask):
            found = _least(fleet, losses, node, yielding)
            if found and (best is None or losses.sum(found) < best[0]):
                best = (losses.sum(found), ask, node, found)
    if best is None:
        return None
    loss, ask, node, found = best
    copies = [one for one in found if one.offer is not None]
    because = (
        f"priority {ask.demand.priority} takes the place of {_counted(found)} of priority "
        f"{loss.priority} on {node}, where least is lost: {loss.work:.0f} core seconds of "
        f"{_work(found, copies)}"
    )
    return Preempting(
        demand=ask.demand,
        node=node,
        runs=tuple(RunId(one.held.what) for one in found if one.offer is None),
        containers=tuple(ContainerId(one.held.what) for one in copies),
        moving=_moving(fleet, node, copies, now),
        because=because,
    )


def give_way(fleet: Fleet, found: Preempting, now: datetime) -> None:
    """Have it so in a trial: what was found has left its node, and is elsewhere if it can be."""
    there = dict(fleet.held_on(found.node))
    for what in found.all:
        fleet.free(what)
    for what in found.containers:
        if what in found.moving:
            elsewhere = fleet.place(there[what], now, but=(found.node,)).node
            if elsewhere is not None:
                fleet.hold(f"moving:{what}", elsewhere, there[what])


def _by_node(fleet: Fleet, ask: Ask) -> Iterable[tuple[NodeId, Sequence[Open]]]:
    found: dict[NodeId, list[Open]] = {}
    for one in fleet.yielding.open():
        may_go_there = (ask.among is None or one.node in ask.among) and one.node not in ask.but
        if one.held.demand.priority < ask.demand.priority and may_go_there:
            found.setdefault(one.node, []).append(one)
    return islice(found.items(), _NODES_MAX)


def _least(fleet: Fleet, losses: "_Losses", node: NodeId, yielding: Sequence[Open]) -> list[Open]:
    """Give what has to go from a node, dearest last; nothing where even all of it is too little."""
    gone: list[Open] = []
    spare: dict[Offer, int] = {}
    demand, now = losses.demand, losses.now
    with fleet.trial():
        for one in sorted(yielding, key=lambda one: (losses.of(one), one.held.what)):
            if not losses.may_go(one, spare):
                continue
            fleet.free(one.held.what)
            gone.append(one)
            if fleet.fits(demand, node, now):
                break
        else:
            return []
        for one in gone[-2::-1]:  # without the last it did not fit
            fleet.hold(one.held.what, node, one.held.demand)
            if fleet.fits(demand, node, now):
                gone.remove(one)
            else:
                fleet.free(one.held.what)
    return gone


class _Losses:
    """What it costs a fleet to lose things for a demand. Each is asked once."""

    def __init__(self, fleet: Fleet, demand: Demand, now: datetime) -> None:
        self.demand = demand
        self.now = now
        self._fleet = fleet
        self._spare: dict[Offer, int] = {}
        self._elsewhere: dict[tuple[Offer, NodeId], bool] = {}

    def of(self, one: Open) -> _Loss:
        """Give what it costs to lose one thing."""
        held = one.held
        if self._fleet.yielding.is_leaving(held.what):
            return _LOST_ANYWAY
        return _Loss(held.demand.priority, self._lost_s(one) * held.demand.resources.cpu)

    def sum(self, gone: Iterable[Open]) -> _Loss:
        """Give what it costs to lose all of these."""
        losses = [self.of(one) for one in gone]
        return _Loss(
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


def _moving(
    fleet: Fleet, node: NodeId, copies: Iterable[Open], now: datetime
) -> frozenset[ContainerId]:
    """Name those for which there is room elsewhere, beside one another."""
    moving: list[ContainerId] = []
    with fleet.trial():
        for one in copies:
            elsewhere = fleet.place(one.held.demand, now, but=(node,)).node
            if elsewhere is not None:
                fleet.hold(f"moving:{one.held.what}", elsewhere, one.held.demand)
                moving.append(ContainerId(one.held.what))
    return frozenset(moving)


def _counted(found: Sequence[Open]) -> str:
    if len(found) == 1:
        return found[0].held.what
    copies = sum(one.offer is not None for one in found)
    runs = len(found) - copies
    words = [f"{runs} run{'s' if runs > 1 else ''}"] if runs else []
    words += [f"{copies} cop{'ies' if copies > 1 else 'y'}"] if copies else []
    return " and ".join(words)


def _work(found: Sequence[Open], copies: Sequence[Open]) -> str:
    if not copies:
        return "work"
    return "service" if len(copies) == len(found) else "work and service"
