"""Room on a node that is promised to a demand which waits for it."""

from dataclasses import dataclass
from datetime import datetime

from headway.model.demand import Demand
from headway.model.ids import NodeId


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

    @property
    def sentence(self) -> str:
        """Say what is waited for, to who asks why nothing has started yet."""
        what = min(self.awaited, default="")
        more = len(self.awaited) - 1
        names = f"{what} and {more} more" if more > 0 else what
        return f"{self.node} is being made free for it: {names} of lower priority end there"

    def opens_to(self, demand: Demand) -> bool:
        """Say whether a demand may go where the room is held: who it is for, or who is above it."""
        return demand in self.demands or demand.priority > self.priority
