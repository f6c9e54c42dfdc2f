"""Whose place something of higher priority takes: of what may be lost, that which costs least."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from headway.calculate.placement.fleet import Fleet
from headway.calculate.placement.held import Held
from headway.model.demand import Demand
from headway.model.ids import NodeId, RunId
from headway.model.preempting import Preempting

_NODES_MAX = 512
"""Nodes that are compared; those that hold something which may be lost, known longest first."""


class _Loss(NamedTuple):
    """What it costs to lose something: less is better, by the first that differs."""

    priority: int
    work: float
    """Core seconds done so far, which are done again."""
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

    Only what is held under a demand that allows it and has a lower priority; never more than is
    needed. Of the nodes that one where it costs least: by the highest priority that is lost there,
    then by the work, then by how many. The fleet is as it was when this returns.
    """
    best: tuple[_Loss, Ask, NodeId, list[Held]] | None = None
    for ask in asks:
        for node, yielding in _by_node(fleet, ask):
            found = _least(fleet, ask.demand, node, yielding, now)
            if found and (best is None or _sum(fleet, found, now) < best[0]):
                best = (_sum(fleet, found, now), ask, node, found)
    if best is None:
        return None
    loss, ask, node, found = best
    what = f"{len(found)} runs" if len(found) > 1 else found[0].what
    because = (
        f"priority {ask.demand.priority} takes the place of {what} of priority {loss.priority} on "
        f"{node}, where least is lost: {loss.work:.0f} core seconds of work"
    )
    runs = tuple(RunId(one.what) for one in found)
    return Preempting(demand=ask.demand, node=node, runs=runs, because=because)


def _by_node(fleet: Fleet, ask: Ask) -> Iterable[tuple[NodeId, Sequence[Held]]]:
    found: dict[NodeId, list[Held]] = {}
    for node, one in fleet.yielding():
        may_go_there = (ask.among is None or node in ask.among) and node not in ask.but
        if one.demand.priority < ask.demand.priority and may_go_there:
            found.setdefault(node, []).append(one)
    return islice(found.items(), _NODES_MAX)


def _least(
    fleet: Fleet, demand: Demand, node: NodeId, yielding: Sequence[Held], now: datetime
) -> list[Held]:
    """Give what has to go from a node, dearest last; nothing where even all of it is too little."""
    gone: list[Held] = []
    with fleet.trial():
        for one in sorted(yielding, key=lambda one: (_loss(fleet, one, now), one.what)):
            fleet.free(one.what)
            gone.append(one)
            if fleet.fits(demand, node, now):
                break
        else:
            return []
        for one in gone[-2::-1]:  # without the last it did not fit
            fleet.hold(one.what, node, one.demand)
            if fleet.fits(demand, node, now):
                gone.remove(one)
            else:
                fleet.free(one.what)
    return gone


def _loss(fleet: Fleet, one: Held, now: datetime) -> _Loss:
    if fleet.is_leaving(one.what):
        return _LOST_ANYWAY
    began_s = one.until - (one.demand.expected_s or 0.0)
    run_s = max(0.0, now.timestamp() - began_s)
    return _Loss(one.demand.priority, run_s * one.demand.resources.cpu)


def _sum(fleet: Fleet, gone: Iterable[Held], now: datetime) -> _Loss:
    losses = [_loss(fleet, one, now) for one in gone]
    return _Loss(
        max(loss.priority for loss in losses),
        sum(loss.work for loss in losses),
        sum(loss.number for loss in losses),
    )
