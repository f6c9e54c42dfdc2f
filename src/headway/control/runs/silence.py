"""How long a runner has said nothing, and whether it answers when it is asked.

A process that has stopped or hangs keeps its socket open: its runs would be under way for ever. So
its line is opened anew when it was quiet for long, which a runner that is well answers at once.
"""

from datetime import datetime, timedelta


class Silence:
    """What is known of one runner."""

    def __init__(self, now: datetime) -> None:
        self._heard_at = now
        self._refused_at: datetime | None = None

    def heard(self, now: datetime) -> None:
        """Note that it said something, or that it is asked for something again."""
        self._heard_at = now
        self._refused_at = None

    def refused(self, now: datetime) -> None:
        """Note that it did not answer."""
        self._refused_at = self._refused_at or now

    def quiet_at(self, limit: timedelta) -> datetime:
        """Give when it has said nothing for so long."""
        return self._heard_at + limit

    def is_dead(self, now: datetime, limit: timedelta) -> bool:
        """Say whether it was asked, again and again, and has not answered for so long."""
        return self._refused_at is not None and now - self._refused_at >= limit
