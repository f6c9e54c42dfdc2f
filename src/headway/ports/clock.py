"""The door to time."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time. Only the shell has a clock: decisions are given `now`."""

    def now(self) -> datetime:
        """Give the present as an aware UTC instant."""
        ...
