"""Whose places a gang of higher priority takes: for all of it, or for nothing."""

from collections.abc import Collection, Sequence
from datetime import datetime

from headway.calculate.placement.fleet import Fleet
from headway.calculate.placement.gang import Place, Rehearsal, Site, rehearse
from headway.calculate.placement.losses import Losses, told
from headway.calculate.placement.part import Part
from headway.calculate.placement.preempt import Ask, Search, give_way
from headway.calculate.placement.yielding import Open
from headway.model.ids import ContainerId, RunId
from headway.model.preempting import Offer, Preempting, PreemptingTogether, named

_REHEARSED_MAX = 1024
"""Members that are placed to find out whether each that is to end is needed: of large gangs only
those that cost most are looked at, beside all for which there is room where they are."""


def preempt_together(
    fleet: Fleet, parts: Sequence[Part], site: Site, now: datetime
) -> PreemptingTogether | None:
    """Say what is to end so that all of a gang fit at once, which do not; None where nothing helps.

    Only what may give way to one run of its priority. For one member after the other that which
    costs least, where it fits nowhere beside those before it; then whatever all of them together
    do not need stays. The fleet is as it was when this returns.
    """
    search = _Search(fleet, parts, site, now)
    most = search.enough()
    if not most:
        return None
    gone = search.one_by_one()
    if not gone or search.without(gone).because:  # what is large has no room behind what is small
        gone = search.cheapest(most)
    gone, places = search.needed(gone)
    what, lost = told(gone, search.losses)
    nodes = tuple(dict.fromkeys(one.node for one in gone))
    return PreemptingTogether(
        places=places,
        nodes=nodes,
        runs=tuple(RunId(one.held.what) for one in gone if one.offer is None),
        containers=tuple(ContainerId(one.held.what) for one in gone if one.offer is not None),
        because=(
            f"priority {parts[0].alone.priority} takes the place of {what} on {named(nodes)} for "
            f"all {len(parts)} of its gang, so that least is lost: {lost}"
        ),
    )


class _Search:
    """What may go, and what of it all of a gang need."""

    def __init__(self, fleet: Fleet, parts: Sequence[Part], site: Site, now: datetime) -> None:
        self.losses = Losses(fleet, parts[0].alone, now)
        self._fleet, self._parts, self._now = fleet, parts, now
        self._site = site._replace(promised=())
        above = parts[0].alone.priority
        found = [one for one in fleet.yielding.open() if one.held.demand.priority < above]
        self._dear = {one.held.what: (self.losses.of(one), one.held.what) for one in found}
        """What costs least comes first; of what costs the same, the same each time."""
        self._open = {one.held.what: one for one in found}

    def enough(self) -> list[Open]:
        """Give what may be lost at once, what costs least first; nothing where it is too little.

        Where not all copies may leave, and those that cost least are the wrong ones: those in whose
        place all of the gang would go if any number of them might.
        """
        everything = sorted(self._open.values(), key=lambda one: self._dear[one.held.what])
        most = self._at_once(everything)
        if most and not self.without(most).because:
            return most
        if len(most) == len(everything):
            return []
        tried = self.without(everything)
        if tried.because:
            return []
        gone = self._beside(everything[::-1], tried.places)[::-1]
        return gone if self._at_once(gone) == gone else []

    def _at_once(self, ordered: Sequence[Open]) -> list[Open]:
        """Give those of them that may all be lost, the first before others of their like."""
        spare: dict[Offer, int] = {}
        return [one for one in ordered if self.losses.may_go(one, spare)]

    def without(self, gone: Collection[Open], places: Sequence[Place] = ()) -> Rehearsal:
        """Place all of the gang as if these had gone; at these places, where it may."""
        site = self._site._replace(promised=[node for node, _ in places])
        with self._fleet.trial():
            for one in gone:
                self._fleet.free(one.held.what)
            return rehearse(self._fleet, self._parts, site, self._now)

    def one_by_one(self) -> list[Open]:
        """Give what costs least for each member in its turn; nothing where one finds too little."""
        gone: list[Open] = []
        search, seen = Search(self._fleet, self._now), 0

        def make_way(asks: Sequence[Ask], places: Sequence[Place]) -> Preempting | None:
            nonlocal seen
            for node, _ in places[seen:]:
                search.forget(node)
            seen = len(places)
            found = search.find(asks)
            if found is not None:
                give_way(self._fleet, found, self._now)
                gone.extend(self._open[what] for what in found.all)
                if found.containers:
                    search.forget_all()
            return found

        tried = rehearse(self._fleet, self._parts, self._site, self._now, make_way)
        return [] if tried.because else gone

    def cheapest(self, enough: Sequence[Open]) -> list[Open]:
        """Give the first of these behind which all fit, of the nodes where they would go."""
        least, most = 0, len(enough)
        while least < most:
            middle = (least + most) // 2
            if self.without(enough[:middle]).because:
                least = middle + 1
            else:
                most = middle
        first = enough[:most]
        nodes = {node for node, _ in self.without(first).places}
        there = [one for one in first if one.node in nodes]
        return list(first) if self.without(there).because else there

    def needed(self, gone: Sequence[Open]) -> tuple[list[Open], tuple[Place, ...]]:
        """Give those of them without which not all would fit, and where all go then.

        What costs most stays first.
        """
        dearest = sorted(gone, key=lambda one: self._dear[one.held.what], reverse=True)
        places = self.without(gone).places
        found = self._beside(dearest, places)
        for one in dearest[: _REHEARSED_MAX // len(self._parts)]:
            others = [other for other in found if other is not one]
            if len(others) == len(found):
                continue
            tried = self.without(others)
            if not tried.because:
                places = tried.places
                found = self._beside(others, places)
        return found[::-1], places

    def _beside(self, gone: Sequence[Open], places: Sequence[Place]) -> list[Open]:
        """Give those of them that have no room beside all of the gang, where that is.

        Never nothing: room for all beside them is only found at these places.
        """
        fleet = self._fleet
        found: list[Open] = []
        with fleet.trial():
            for one in gone:
                fleet.free(one.held.what)
            for number, (node, demand) in enumerate(places):
                fleet.hold(f"gang:{number}", node, demand)
            for one in gone:
                if fleet.fits(one.held.demand, one.node, self._now):
                    fleet.hold(one.held.what, one.node, one.held.demand)
                else:
                    found.append(one)
        if not found or self.without(found, places).because:
            return list(gone)
        return found
