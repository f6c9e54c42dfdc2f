"""One job at one runner: the attempts that wait, and the processes that do them."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from headway.engines.process.runs.child import Child
from headway.engines.process.runs.facts import Attempt
from headway.engines.process.runs.plan import is_warm, network_of

if TYPE_CHECKING:
    from headway.engines.process.runs.pool import Pool

_AHEAD_S = 0.005
"""How much work is handed to a process ahead, by what its runs took so far."""
_AHEAD_MAX = 256
_WEIGHT = 0.1


class Work:
    """What is to be done of one job."""

    def __init__(self, run: dict[str, Any]) -> None:
        self.run = run
        self.job: dict[str, Any] = run["job"]
        self.network = network_of(self.job)
        self.is_warm = is_warm(self.job)
        self.is_strict: bool = self.job["isolation"] == "strict"
        self.queue: deque[Attempt] = deque()
        self.children: list[Child] = []
        """Those that may be handed more than one attempt."""
        self.pool: Pool | None = None
        self.is_due = False
        """Whether more is handed out in a moment."""
        self._mean_s: float | None = None

    def took(self, seconds: float) -> None:
        """Learn how long an attempt took."""
        if self._mean_s is None:
            self._mean_s = seconds
        else:
            self._mean_s += _WEIGHT * (seconds - self._mean_s)

    def has_room(self) -> tuple[Child, int] | None:
        """Give a process that can be handed attempts at once, and how many."""
        most = 1
        if self._mean_s is not None:
            most = max(1, min(_AHEAD_MAX, int(_AHEAD_S / max(self._mean_s, 1e-9))))
        for child in self.children:
            room = min(child.room, most - len(child.given))
            if room > 0:
                return child, room
        return None
