"""How many starts the rates of queues allow now."""

from collections.abc import Collection
from datetime import datetime, timedelta

from headway.calculate.queueing import Line
from headway.ports.clock import Clock


class Rates:
    """One bucket for each queue with a rate. It fills as time passes and holds a second's worth."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[Line, tuple[float, float, datetime]] = {}

    def tokens(self, line: Line, rate: float) -> float:
        """Give the starts that are allowed now. Take them out by `took`."""
        now = self._clock.now()
        most = max(1.0, rate)
        held, _, at = self._buckets.get(line, (most, rate, now))
        tokens = min(most, held + rate * (now - at).total_seconds())
        self._buckets[line] = (tokens, rate, now)
        return tokens

    def took(self, line: Line) -> None:
        """Count a start."""
        bucket = self._buckets.get(line)
        if bucket is not None:
            self._buckets[line] = (bucket[0] - 1, bucket[1], bucket[2])

    def next_at(self, waiting: Collection[Line]) -> datetime | None:
        """Give when the next start will be allowed that is not allowed now."""
        times = [
            at + timedelta(seconds=(1 - tokens) / rate)
            for line, (tokens, rate, at) in self._buckets.items()
            if tokens < 1 and line in waiting
        ]
        return min(times, default=None)
