"""When and where something large will fit: what comes later may go first only until then.

EASY backfilling (Lifka, "The ANL/IBM SP scheduling system", 1995): what is first in turn and does
not fit has the earliest moment reserved, by when what runs is thought to end. Where that is wrong
the moment is not put off: behind it nobody goes first any more, so that who is passed over waits
for what ran when room was reserved, and for what was let past until then, and for nothing else.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from headway.calculate.placement.fleet import Fleet
from headway.calculate.placement.held import FOREVER
from headway.calculate.placement.preempt import Ask
from headway.model.demand import Demand
from headway.model.ids import NodeId

_NODES_MAX = 512
"""Nodes that are compared, of those that may take it."""


class Reservation(NamedTuple):
    """The earliest moment at which a demand is thought to fit."""

    demand: Demand
    node: NodeId
    awaited: frozenset[str]
    """Names of what is thought to have ended by then."""
    at: datetime


def reserve(fleet: Fleet, asks: Sequence[Ask], now: datetime) -> Reservation | None:
    """Say where one of these will fit first; None where nobody knows that anything ends.

    A node of which something is promised is left out. The fleet is as it was when this returns.
    """
    promised = {promise.node for promise in fleet.promises()}
    best: Reservation | None = None
    for ask in asks:
        nodes = (
            node
            for node in fleet.eligible(ask.demand, now)
            if (ask.among is None or node in ask.among) and node not in (*ask.but, *promised)
        )
        for node in islice(nodes, _NODES_MAX):
            found = _on(fleet, ask.demand, node, now)
            if found is not None and (best is None or found.at < best.at):
                best = found
    return best


def _on(fleet: Fleet, demand: Demand, node: NodeId, now: datetime) -> Reservation | None:
    ending = sorted(
        (one for one in fleet.held(node) if one.until < FOREVER),
        key=lambda one: (one.until, one.what),
    )
    awaited: set[str] = set()
    at = now
    with fleet.trial():
        if fleet.fits(demand, node, now):
            return Reservation(demand, node, frozenset(), now)
        for one in ending:
            fleet.free(one.what)
            awaited.add(one.what)
            at = max(at, datetime.fromtimestamp(one.until, tz=now.tzinfo))
            if fleet.fits(demand, node, now):
                return Reservation(demand, node, frozenset(awaited), at)
    return None
