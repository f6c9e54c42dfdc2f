"""What a fleet knows of one kind of demand, from one decision to the next."""

from typing import Any

from headway.calculate.placement.willing import Willing
from headway.model.pool import PlacementPolicy


class Prospect:
    """Which nodes may take it, and where it was found that nothing does."""

    __slots__ = ("bounds", "failed", "policy", "start", "willing")

    def __init__(self, willing: Willing, policy: PlacementPolicy) -> None:
        self.willing = willing
        self.policy = policy
        self.start = 0
        """The block in which it went last, and in which room is looked for first: what leaves those
        before is mostly too little for it."""
        self.bounds: dict[int, Any] = {}
        """What is wanted of each dimension, as what arrays take quickest."""
        self.failed: Any = None
        """By phase and block of nodes, the version of the block in which nothing took it. Until the
        version changes nothing will: what is placed elsewhere meanwhile makes no room."""

    def copy(self, willing: Willing) -> "Prospect":
        """Give one that changes on its own."""
        twin = Prospect(willing, self.policy)
        twin.start, twin.bounds = self.start, self.bounds
        twin.failed = None if self.failed is None else self.failed.copy()
        return twin
