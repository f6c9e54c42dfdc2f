"""The answer of placement: a node, or every reason that there is none."""

from headway.model.ids import NodeId
from headway.model.value import Value

NOT_ASKED = "not asked"
"""Of nodes that were not to be looked at."""


class Refusal(Value, kw_only=True):
    """One reason, and how many nodes it excluded. Each node counts once, by its first reason."""

    reason: str
    """Such as `is draining` or `4 cores needed, 1.5 of 8 free`."""
    nodes: int
    example: NodeId
    """One of them: that with most of what lacks."""
    change: str
    """What would have to change for one of these nodes to take it."""

    @property
    def sentence(self) -> str:
        """For people, such as `3 nodes: draining`."""
        who = self.example if self.nodes == 1 else f"{self.nodes} nodes"
        return f"{who}: {self.reason}"


class Placed(Value, kw_only=True):
    """Where a demand goes."""

    node: NodeId | None
    because: str
    refusals: tuple[Refusal, ...] = ()
    """Counted only where no node was found; then they add up to all nodes."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """The reasons of the nodes that were asked, for people."""
        return tuple(row.sentence for row in self.refusals if row.reason != NOT_ASKED)
