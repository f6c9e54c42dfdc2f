"""When something ends that takes as long as was said of it."""

from datetime import datetime, timedelta

from headway.model.length import LENGTH_MAX_S


def end_of(since: datetime, length_s: float) -> datetime:
    """Give the end of what began at an instant.

    What was kept from before lengths had a bound may be longer than it, and counts as that long.

    >>> end_of(datetime(2026, 3, 1, 12), 90.0).isoformat()
    '2026-03-01T12:01:30'
    >>> end_of(datetime(2026, 3, 1, 12), float("inf")).year
    2036
    """
    return since + timedelta(seconds=min(length_s, LENGTH_MAX_S))
