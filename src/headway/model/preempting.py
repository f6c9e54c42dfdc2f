"""That something of higher priority takes the place of what is cheapest to lose."""

from headway.model.demand import Demand
from headway.model.ids import ContainerId, NodeId, RunId
from headway.model.value import Value
from headway.model.words import and_more

_SHOWN = 3


class Offer(Value, kw_only=True):
    """Copies of one process type, of which those above its floor may give way."""

    copies: frozenset[ContainerId]
    """The good ones, and those that are leaving for another already."""
    floor: int
    """So many good ones stay."""


class Losing(Value, kw_only=True):
    """What is to end so that something fits."""

    nodes: tuple[NodeId, ...]
    """From which something leaves."""
    runs: tuple[RunId, ...] = ()
    """All of them, and of the containers, are needed: with any left it would not fit."""
    containers: tuple[ContainerId, ...] = ()
    """Copies of services."""
    because: str

    @property
    def all(self) -> tuple[RunId | ContainerId, ...]:
        """Name all that leaves."""
        return (*self.runs, *self.containers)

    @property
    def what(self) -> str:
        """Name them, for people."""
        return named(self.all)


class Preempting(Losing, kw_only=True):
    """What is to end, where, so that a demand fits there."""

    demand: Demand
    moving: frozenset[ContainerId] = frozenset()
    """Copies for which there is room elsewhere: they start there before they leave."""

    @property
    def node(self) -> NodeId:
        """Give the one node that it is about."""
        return self.nodes[0]


class PreemptingTogether(Losing, kw_only=True):
    """What is to end so that all of a gang fit at once."""

    places: tuple[tuple[NodeId, Demand], ...]
    """Where each of the gang goes, and what it takes there."""


def named(what: tuple[str, ...]) -> str:
    """Name the first few of many, for people.

    >>> named(("a", "b", "c", "d"))
    'a, b, c and 1 more'
    """
    return and_more(what[:_SHOWN], len(what))
