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
    best: tuple[Loss, Losses, NodeId, list[Open]] | None = None
    for ask in asks:
        losses = Losses(fleet, ask.demand, now)
        for node, yielding in _by_node(fleet, ask):
            found = _least(fleet, losses, node, yielding)
            if found and (best is None or losses.sum(found) < best[0]):
                best = (losses.sum(found), losses, node, found)
    if best is None:
        return None
    _, losses, node, found = best
    copies = [one for one in found if one.offer is not None]
    what, lost = told(found, losses)
    because = (
        f"priority {losses.demand.priority} takes the place of {what} on {node}, where least is "
        f"lost: {lost}"
    )
    return Preempting(
        demand=losses.demand,
        nodes=(node,),
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
