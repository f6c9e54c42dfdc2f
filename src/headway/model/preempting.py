"""That something of higher priority takes the place of what is cheapest to lose."""

from headway.model.demand import Demand
from headway.model.ids import NodeId, RunId
from headway.model.value import Value


class Preempting(Value, kw_only=True):
    """What is to end, where, so that a demand fits there."""

    demand: Demand
    node: NodeId
    runs: tuple[RunId, ...]
    """All of them are needed: with any left the demand would not fit."""
    because: str

    @property
    def what(self) -> str:
        """Name them, for people."""
        shown = ", ".join(self.runs[:_SHOWN])
        more = len(self.runs) - _SHOWN
        return f"{shown} and {more} more" if more > 0 else shown


_SHOWN = 3
