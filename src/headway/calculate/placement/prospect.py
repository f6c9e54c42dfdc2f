"""What a fleet knows of one kind of demand, from one decision to the next."""

from typing import Any

from headway.calculate.placement.willing import Willing
from headway.model.pool import PlacementPolicy


class Prospect:
    """Which nodes may take it, and where it was found that nothing does."""

    __slots__ = ("failed", "policy", "willing")

    def __init__(self, willing: Willing, policy: PlacementPolicy) -> None:
        self.willing = willing
        self.policy = policy
        self.failed: Any = None
        """By phase and block of nodes, the version of the block in which nothing took it. Until the
        version changes nothing will: what is placed elsewhere meanwhile makes no room."""
