"""Which nodes a pool lacks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from headway.calculate.autoscale.line import Group
from headway.calculate.autoscale.scene import Scene
from headway.calculate.autoscale.site import Site
from headway.model.pool import NodeType


@dataclass(slots=True)
class Limits:
    """How much a pool may grow."""

    nodes: int
    """So many more."""
    price_hour: float
    """So much dearer."""

    def allow(self, kind: NodeType) -> bool:
        """Say whether one more of a type is within them."""
        return self.nodes > 0 and kind.price_hour <= self.price_hour + 1e-9

    def use(self, kind: NodeType) -> None:
        """Count one more of a type."""
        self.nodes -= 1
        self.price_hour -= kind.price_hour


@dataclass(slots=True)
class Growth:
    """What a simulation opened, and what it could not."""

    sites: list[Site] = field(default_factory=list)
    """New nodes."""
    kept: list[Site] = field(default_factory=list)
    """Leaving nodes that are called back."""
    short: dict[str, int] = field(default_factory=dict)
    """Why no node could be added, to how many wait for one."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Who waits for one all the same, to why."""
    missing: str = ""
    """What lacks to the minimum and the warm spares, and why; empty when nothing does."""


class Opener:
    """Chooses the type of each node that is opened, within limits."""

    def __init__(
        self,
        scene: Scene,
        limits: Limits,
        groups: Sequence[Group],
        *,
        leaving: Sequence[Site] = (),
        scarce: Mapping[str, str] | None = None,
    ) -> None:
        """Take what may be opened.

        Args:
            scene: Of the pool.
            limits: Used up as nodes are opened.
            groups: What waits.
            leaving: Nodes that may be called back, the best first.
            scarce: Types that are not to be had, to why not.
        """
        self._scene = scene
        self._leaving = list(leaving)
        self._limits = limits
        self._groups = groups
        self._scarce = scarce or {}
        self._types = [kind for kind in scene.pool.types if kind.name not in self._scarce]
        self._fitting: dict[int, list[NodeType]] = {}
        self.growth = Growth()

    def open(self, group: Group) -> Site | None:
        """Open a node for the first of a group, or note why not."""
        for site in self._leaving:
            if site.takes(group.need):
                self._leaving.remove(site)
                self.growth.kept.append(site)
                return site
        fitting = self._fit(group)
        allowed = [kind for kind in fitting if self._limits.allow(kind)]
        if not allowed:
            self._refuse(group, fitting)
            return None
        kind = allowed[0]
        if len(allowed) > 1:
            kind = min(allowed, key=lambda kind: (self._dearness(kind, group), kind.name))
        return self.take(kind)

    def take(self, kind: NodeType) -> Site:
        """Open a node of a type."""
        site = self._scene.fresh(kind)
        self._limits.use(kind)
        self.growth.sites.append(site)
        return site

    def cheapest(self) -> NodeType | None:
        """Give the type that costs least of those that may be opened."""
        allowed = [kind for kind in self._types if self._limits.allow(kind)]
        return min(allowed, key=lambda kind: (kind.price_hour, kind.cpu, kind.name), default=None)

    @property
    def obstacle(self) -> str:
        """Say why no node of any type may be opened."""
        if self._limits.nodes <= 0:
            return "the pool is as large as it may be"
        if self._types:
            return "the pool costs as much as it may"
        return _scarce_words(self._scarce)

    def _fit(self, group: Group) -> list[NodeType]:
        """Give the types whose empty nodes take the demands of a group."""
        known = self._fitting.get(group.need.number)
        if known is None:
            known = [kind for kind in self._types if self._scene.fresh(kind).takes(group.need)]
            self._fitting[group.need.number] = known
        return known

    def _missed(self, group: Group) -> dict[str, str]:
        """Give the types that would take a group and are not to be had, to why not."""
        return {
            kind.name: self._scarce[kind.name]
            for kind in self._scene.pool.types
            if kind.name in self._scarce and self._scene.fresh(kind).takes(group.need)
        }

    def _dearness(self, kind: NodeType, first: Group) -> float:
        """Compare a type's price with what is packed onto it.

        What is packed counts as much as its share of the type on which it is cheapest, so 1 is as
        good as can be, and a large node for one small demand is dear (the greedy rule of weighted
        set cover; Chvátal 1979).
        """
        site = self._scene.fresh(kind)
        worth = 0.0
        for group in (first, *(row for row in self._groups if row is not first)):
            left = sum(item.count for item in group.items[group.at :])
            each = self._worth(group)
            while left > 0 and site.takes(group.need):
                site.take(group.need)
                worth += each
                left -= 1
        return _cost(kind) / worth

    def _worth(self, group: Group) -> float:
        return min(
            (_cost(kind) * self._scene.share(group.need, kind) for kind in self._fit(group)),
            default=0.0,
        )

    def _refuse(self, group: Group, fitting: list[NodeType]) -> None:
        waiting = [item for item in group.items[group.at :] if item.latest_s != float("inf")]
        if not fitting:
            missed = self._missed(group)
            why = _scarce_words(missed) if missed else "no type is large enough"
        else:
            why = self.obstacle
        waits = sum(item.count for item in waiting)
        self.growth.short[why] = self.growth.short.get(why, 0) + waits
        self.growth.left_out |= {item.whom: why for item in waiting if item.whom}


def _scarce_words(scarce: Mapping[str, str]) -> str:
    names = ", ".join(sorted(scarce))
    said = "; ".join(sorted(set(scarce.values())))
    return f"the provider has none of {names}: {said}"


def _cost(kind: NodeType) -> float:
    """Give a type's price; of those that cost nothing the smaller is the cheaper."""
    return kind.price_hour or kind.cpu * 1e-6
