"""Whose place something of higher priority takes: of what may be lost, that which costs least."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from headway.calculate.placement.fleet import Fleet
from headway.calculate.placement.losses import Loss, Losses, told
from headway.calculate.placement.yielding import Open
from headway.model.demand import Demand
from headway.model.ids import ContainerId, NodeId, RunId
from headway.model.preempting import Offer, Preempting

_NODES_MAX = 512
"""Nodes that are compared; those that hold something which may be lost, known longest first."""


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
    return Search(fleet, now).find(asks)


class Search:
    """Whose place may be taken on which node, found out once for as long as nothing changes there.

    For many that are placed one beside the other: all nodes are compared for each of them, and
    only few of these have changed in between.
    """

    def __init__(self, fleet: Fleet, now: datetime) -> None:
        self._fleet = fleet
        self._now = now
        self._losses: dict[int, Losses] = {}
        """By the identity of their demand, which is kept with them."""
        self._least: dict[NodeId, dict[int, tuple[Loss, list[Open]] | None]] = {}
        self._open: dict[NodeId, list[Open]] = {}
        self.forget_all()

    def find(self, asks: Sequence[Ask]) -> Preempting | None:
        """Say what is to end so that one of these fits; see `preempt`."""
        best: tuple[Loss, Losses, NodeId, list[Open]] | None = None
        for ask in asks:
            losses = self._losses.get(id(ask.demand)) or Losses(self._fleet, ask.demand, self._now)
            self._losses[id(ask.demand)] = losses
            for node in self._nodes(ask):
                found = self._on(node, losses)
                if found is not None and (best is None or found[0] < best[0]):
                    best = (found[0], losses, node, found[1])
        return None if best is None else self._preempting(*best[1:])

    def forget(self, node: NodeId) -> None:
        """Look anew at a node on which a run came or went."""
        self._least.pop(node, None)

    def forget_all(self) -> None:
        """Look anew everywhere, as a copy went: fewer of its like may."""
        self._losses.clear()
        self._least.clear()
        self._open.clear()
        for one in self._fleet.yielding.open():
            self._open.setdefault(one.node, []).append(one)

    def _nodes(self, ask: Ask) -> Iterable[NodeId]:
        among = None if ask.among is None else frozenset(ask.among)
        but, above = frozenset(ask.but), ask.demand.priority
        may = (node for node in self._open if (among is None or node in among) and node not in but)
        lower = (
            node
            for node in may
            if any(one.held.demand.priority < above for one in self._open[node])
        )
        return islice(lower, _NODES_MAX)

    def _on(self, node: NodeId, losses: Losses) -> tuple[Loss, list[Open]] | None:
        known = self._least.setdefault(node, {})
        which = id(losses.demand)
        if which not in known:
            above, fleet = losses.demand.priority, self._fleet
            yielding = [
                one
                for one in self._open[node]
                if one.held.demand.priority < above and fleet.holds(one.held.what) is not None
            ]
            found = _least(fleet, losses, node, yielding)
            known[which] = (losses.sum(found), found) if found else None
        return known[which]

    def _preempting(self, losses: Losses, node: NodeId, found: list[Open]) -> Preempting:
        copies = [one for one in found if one.offer is not None]
        what, lost = told(found, losses)
        because = (
            f"priority {losses.demand.priority} takes the place of {what} on {node}, where least "
            f"is lost: {lost}"
        )
        return Preempting(
            demand=losses.demand,
            nodes=(node,),
            runs=tuple(RunId(one.held.what) for one in found if one.offer is None),
            containers=tuple(ContainerId(one.held.what) for one in copies),
            moving=_moving(self._fleet, node, copies, self._now),
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


def _least(fleet: Fleet, losses: Losses, node: NodeId, yielding: Sequence[Open]) -> list[Open]:
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
