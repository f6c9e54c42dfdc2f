"""Room on a node that is promised to a demand which waits for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from headway.calculate.ending import end_of
from headway.model.demand import Demand
from headway.model.ids import NodeId
from headway.model.words import and_more

_SHOWN = 3


@dataclass(frozen=True, slots=True, eq=False)
class Promise:
    """What is free of it is held already; what holds the rest is awaited, and passes on to it."""

    whom: str
    """Who asked: a lane of runs, or an app in an environment."""
    node: NodeId
    demands: tuple[Demand, ...]
    """What may take it, whoever asks for it; of the first as much is held."""
    awaited: frozenset[str]
    """Names of what holds room there, and is to end."""
    until: datetime
    """When it is given up if nobody has taken it."""
    at: datetime | None = None
    """When what is awaited should have ended by itself: what will have ended by then, too, may use
    the room meanwhile. None: it was told to end, and nobody else uses its room."""
    number: int = 0
    """Given by the fleet."""

    @property
    def name(self) -> str:
        """As what it holds room; a colon is in no name of a container or of a run."""
        return f"promised:{self.number}"

    @property
    def priority(self) -> int:
        """Of whom it was made to."""
        return self.demands[0].priority

    def opens_to(self, demand: Demand, now: datetime) -> bool:
        """Say whether a demand may go where the room is held.

        That is who it is for, who is above it, and where it is not free yet who will have ended by
        then. Services, of which nobody knows when they end, do not wait for what does.
        """
        if demand in self.demands or demand.priority > self.priority:
            return True
        if self.at is None:
            return False
        if demand.expected_s is None:
            return True
        return end_of(now, demand.expected_s) <= self.at


def awaited_for(made: Sequence[Promise]) -> str:
    """Say what is waited for, to who asks why nothing has started yet that these were made to."""
    first = made[0]
    nodes = sorted({promise.node for promise in made})
    where = and_more(nodes[:_SHOWN], len(nodes))
    are = "are" if len(nodes) > 1 else "is"
    what = min(first.awaited, default="what is there")
    names = and_more([what], len(first.awaited))
    if first.at is None:
        return f"{where} {are} being made free for it: {names} of lower priority end there"
    return (
        f"{where} {are} kept for it from {first.at:%H:%M:%S} UTC on, when {names} should have "
        "ended; only what ends before goes first"
    )
