"""A gang: runs that start together or not at all, and end together."""

from headway.model.ids import NodeId, RunId
from headway.model.value import Value

GANG_MAX = 64
"""Runs of one gang, its leader among them."""


class Gang(Value, kw_only=True):
    """The place of a run among those that it was started with."""

    number: int
    """0 is the leader, the run that was asked for; the others were made with its start."""
    members: tuple[RunId, ...]
    """All of them, by their numbers."""
    nodes: tuple[NodeId, ...]
    """Where each runs."""
    goes_on: bool = False
    """Whether the others go on when one has failed. With the leader all end."""

    @property
    def leader(self) -> RunId:
        """The run that was asked for."""
        return self.members[0]

    @property
    def size(self) -> int:
        """How many they are."""
        return len(self.members)
