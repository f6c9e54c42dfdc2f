"""A list schedule of what waits over the free times that are foreseen, and the nodes that it lacks.

Whoever is first in line takes the first room that it fits into; those behind it may take what it
cannot use. When the latest moment at which something should start passes in the simulation, a node
is opened for it, as of when one that is requested now would be there, and what else waits is packed
onto it. So a node that would come no sooner than the room that is awaited is never opened.
"""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from headway.calculate.autoscale.site import Need, Site

Opener = Callable[["Group"], Site | None]
"""Gives a node for the first of a group, or None where there can be none."""


@dataclass(slots=True)
class Item:
    """Some of one group that wait since one moment."""

    latest_s: float
    """From now; infinite for what never adds a node."""
    expected_s: float
    count: int
    whom: str = ""


@dataclass(slots=True, eq=False)
class Group:
    """What waits and asks for the same, first come first."""

    need: Need
    items: list[Item] = field(default_factory=list)
    label: str = ""
    at: int = 0
    """The first item that has not started."""
    started: int = 0
    late: int = 0
    """Nodes were opened for so many of them."""
    left_out: int = 0
    """For so many no node could be opened."""

    @property
    def head(self) -> Item | None:
        """What of it starts next."""
        return self.items[self.at] if self.at < len(self.items) else None

    def take(self) -> Item:
        """Start one."""
        item = self.items[self.at]
        item.count -= 1
        self.started += 1
        if item.count <= 0:
            self.at += 1
        return item

    def give_up(self) -> None:
        """Wait no more for any of those that add nodes."""
        while self.at < len(self.items) and self.items[self.at].latest_s != float("inf"):
            self.left_out += self.items[self.at].count
            self.at += 1


class Line:
    """The simulation."""

    def __init__(self, sites: Sequence[Site], groups: Sequence[Group]) -> None:
        """Take what is there.

        Args:
            sites: In the order in which they are filled.
            groups: In the order of their turns.
        """
        self._sites = sites
        self._groups = groups
        self._events: list[tuple[float, int, Site, Need | None]] = []
        self._count = 0

    def run(self, opener: Opener) -> None:
        """Go on until nothing waits, or nothing more can come of it."""
        self._foresee()
        for site in self._sites:
            if site.opens_s <= 0:
                self._offer(site, 0.0)
        while any(group.head for group in self._groups):
            late = self._latest()
            at_s = self._events[0][0] if self._events else float("inf")
            if late is not None and late.items[late.at].latest_s < at_s:
                self._open(late, opener)
            elif self._events:
                self._pass(*heapq.heappop(self._events))
            else:
                return

    def _foresee(self) -> None:
        for site in self._sites:
            if site.opens_s > 0:
                self._later(site.opens_s, site, None)
            for ends_s, need in site.ends:
                self._later(ends_s, site, need)

    def _pass(self, at_s: float, _number: int, site: Site, need: Need | None) -> None:
        """Have something end, or a node open."""
        if need is not None:
            site.give(need)
        if at_s >= site.opens_s:
            self._offer(site, at_s)

    def _latest(self) -> Group | None:
        """Give the group whose first must start soonest."""
        found, least = None, float("inf")
        for group in self._groups:
            if group.at < len(group.items) and group.items[group.at].latest_s < least:
                found, least = group, group.items[group.at].latest_s
        return found

    def _open(self, group: Group, opener: Opener) -> None:
        site = opener(group)
        if site is None:
            group.give_up()
            return
        group.late += 1
        self._start(site, group, site.opens_s)
        self._offer(site, site.opens_s)

    def _offer(self, site: Site, at_s: float) -> None:
        for group in self._groups:
            while group.at < len(group.items) and site.takes(group.need):
                self._start(site, group, at_s)

    def _start(self, site: Site, group: Group, at_s: float) -> None:
        item = group.take()
        site.take(group.need)
        site.used += 1
        site.needed += item.latest_s != float("inf")
        ends_s = at_s + item.expected_s
        site.busy_until_s = max(site.busy_until_s, ends_s)
        if ends_s != float("inf"):
            self._later(ends_s, site, group.need)

    def _later(self, at_s: float, site: Site, need: Need | None) -> None:
        self._count += 1
        heapq.heappush(self._events, (at_s, self._count, site, need))
