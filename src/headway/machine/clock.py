"""A clock that does not jump when somebody sets the machine's."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_NOTICED_S = 2.0


def _wall() -> datetime:
    return datetime.now(UTC)


def _ticks_s() -> float:
    """Seconds since the machine started, its sleep included; nobody can set them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class SteadyClock:
    """Begins at the machine's clock, and goes on by the time that passes.

    Deadlines, back-off and leases measure lengths of time. Were the machine's clock set an hour
    ahead, it would roll back deployments and end environments that had an hour to go.
    """

    def __init__(
        self,
        wall: Callable[[], datetime] = _wall,
        ticks_s: Callable[[], float] = _ticks_s,
    ) -> None:
        self._wall = wall
        self._ticks_s = ticks_s
        self._began = wall()
        self._began_s = ticks_s()
        self._last_s, self._last = self._began_s, self._began

    def now(self) -> datetime:
        """Give the present as an aware UTC instant."""
        ticks_s = self._ticks_s()
        if ticks_s != self._last_s:  # where time is made up, much happens in one moment
            self._last = self._began + timedelta(seconds=ticks_s - self._began_s)
            self._last_s = ticks_s
        return self._last

    @property
    def jumped_s(self) -> float:
        """How far the machine's clock was set ahead since this one began; 0 below two seconds."""
        ahead_s = (self._wall() - self.now()).total_seconds()
        return ahead_s if abs(ahead_s) >= _NOTICED_S else 0.0
