"""Where all members of a gang go at once, now or at the earliest moment at which all will fit."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from headway.calculate.placement.fleet import Fleet
from headway.calculate.placement.held import FOREVER, Held
from headway.calculate.placement.part import Part
from headway.calculate.placement.preempt import Ask
from headway.model.demand import Demand
from headway.model.ids import NodeId
from headway.model.preempting import Preempting

_NODES_MAX = 512
"""Nodes on which it is looked at what ends, of those that may take any of a gang."""
_ENDS_MAX = 4096
"""Things whose ends are thought of, those that come first."""


Place = tuple[NodeId, Demand]
"""Where one of a gang goes, and what it takes there."""
MakeWay = Callable[[Sequence[Ask], Sequence[Place]], Preempting | None]


class Site(NamedTuple):
    """Where members may go."""

    ready: Collection[NodeId] | None
    """Nodes with a runner that takes runs now; None: none is needed."""
    refused: Collection[NodeId]
    """Nodes on which no runner may be started now."""
    promised: Sequence[NodeId] = ()
    """Where room is promised to each, in the order of the members: looked at first, as each may
    go to all of it, and what is there for all of them is not enough in every order."""


class Rehearsal(NamedTuple):
    """Where each member goes, as far as there is room."""

    places: tuple[Place, ...]
    """In the order of the members."""
    fresh: tuple[NodeId, ...] = ()
    """Nodes of these on which a runner is to be started first."""
    because: str = ""
    """Why the first that has no place has none; empty when all have one."""


class Joint(NamedTuple):
    """The earliest moment at which all of a gang are thought to fit."""

    places: tuple[Place, ...]
    awaited: frozenset[str]
    """Names of what is thought to have ended by then."""
    at: datetime


def rehearse(
    fleet: Fleet,
    parts: Sequence[Part],
    site: Site,
    now: datetime,
    make_way: MakeWay | None = None,
) -> Rehearsal:
    """Place the members one beside the other, and take all of it back.

    As they are numbered, or where that leaves one without room, those first that need most: what is
    small fits behind what is large. `make_way` is asked for one that has no room, by what of it may
    go where, and where those before it are; it is asked about one order only.
    """
    numbers = range(len(parts))
    found = _in_order(fleet, parts, site, now, numbers, make_way)
    if not found.because or make_way is not None:
        return found
    largest = sorted(numbers, key=lambda number: -fleet.share(parts[number].alone))
    if largest == list(numbers):
        return found
    again = _in_order(fleet, parts, site, now, largest)
    return found if again.because else again


def _in_order(
    fleet: Fleet,
    parts: Sequence[Part],
    site: Site,
    now: datetime,
    numbers: Sequence[int],
    make_way: MakeWay | None = None,
) -> Rehearsal:
    places: dict[int, Place] = {}
    fresh: dict[NodeId, None] = {}
    with fleet.trial():
        for number in numbers:
            asks = _asks(parts[number], site, fresh)
            placed = _place(fleet, _promised(asks, site, number), now) or _place(fleet, asks, now)
            if placed is None and make_way is not None:
                found = make_way(asks, tuple(places.values()))
                placed = None if found is None else (found.node, found.demand)
            if placed is None:
                return Rehearsal(tuple(places.values()), tuple(fresh), _because(fleet, asks, now))
            node, demand = placed
            if site.ready is not None and node not in site.ready:
                fresh[node] = None
            fleet.hold(f"gang:{number}", node, demand)
            places[number] = placed
    return Rehearsal(tuple(places[number] for number in range(len(parts))), tuple(fresh))


def _asks(part: Part, site: Site, fresh: Collection[NodeId]) -> list[Ask]:
    if site.ready is None:
        return [Ask(part.alone)]
    among = (*site.ready, *fresh)
    return [Ask(part.alone, among), Ask(part.with_runner, but=(*among, *site.refused))]


def _promised(asks: Sequence[Ask], site: Site, number: int) -> list[Ask]:
    """Give what of these may go where room is promised to one, only there."""
    return [
        ask._replace(among=(node,))
        for node in site.promised[number : number + 1]
        for ask in asks
        if (ask.among is None or node in ask.among) and node not in ask.but
    ]


def _place(fleet: Fleet, asks: Sequence[Ask], now: datetime) -> Place | None:
    """Say where one goes, and what it takes there."""
    for ask in asks:
        node = fleet.place(ask.demand, now, among=ask.among, but=ask.but).node
        if node is not None:
            return node, ask.demand
    return None


def _because(fleet: Fleet, asks: Sequence[Ask], now: datetime) -> str:
    """Say why one goes nowhere."""
    asked = [ask for ask in asks if ask.among is None or ask.among]
    placed = (fleet.place(ask.demand, now, among=ask.among, but=ask.but) for ask in asked)
    return "; ".join(dict.fromkeys(one.because for one in placed if one.because))


def reserve_together(
    fleet: Fleet, parts: Sequence[Part], site: Site, now: datetime
) -> Joint | None:
    """Say when all members will fit first; None where that is not known.

    What is thought to end is freed in the order of its end, as much of it as is needed. The fleet
    is as it was when this returns.
    """
    ending = _ending(fleet, parts, now)
    least, most = 0, len(ending)
    found = _after(fleet, parts, site, now, ending)
    if found.because:
        return None
    while least < most:  # the fewest ends behind which all fit
        middle = (least + most) // 2
        tried = _after(fleet, parts, site, now, ending[:middle])
        if tried.because:
            least = middle + 1
        else:
            most, found = middle, tried
    ended = ending[:most]
    nodes = {node for node, _ in found.places}
    at = max(now, *(_at(one, now) for _, one in ended)) if ended else now
    return Joint(found.places, frozenset(one.what for node, one in ended if node in nodes), at)


def _ending(fleet: Fleet, parts: Sequence[Part], now: datetime) -> list[tuple[NodeId, Held]]:
    demands: list[Demand] = []
    for part in parts:
        if part.alone not in demands:
            demands.append(part.alone)
    nodes = {node for demand in demands for node in fleet.eligible(demand, now)}
    ends = [
        (node, one)
        for node in sorted(nodes)[:_NODES_MAX]
        for one in fleet.held(node)
        if one.until < FOREVER
    ]
    return sorted(ends, key=lambda pair: (pair[1].until, pair[1].what))[:_ENDS_MAX]


def _after(
    fleet: Fleet,
    parts: Sequence[Part],
    site: Site,
    now: datetime,
    ended: Sequence[tuple[NodeId, Held]],
) -> Rehearsal:
    with fleet.trial():
        for _, one in ended:
            fleet.free(one.what)
        return rehearse(fleet, parts, site, now)


def _at(held: Held, now: datetime) -> datetime:
    return datetime.fromtimestamp(held.until, tz=now.tzinfo)
