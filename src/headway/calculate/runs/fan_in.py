"""What the runs of a schedule wait for: those of others, for the same period."""

from datetime import UTC, datetime, timedelta

from headway.calculate.firing import Firing
from headway.model.schedule import Schedule

_MOMENT = timedelta(microseconds=1)
_BACK_MAX = timedelta(days=366 * 10)


def awaited_time(schedule: Schedule, other: Schedule, at: datetime) -> datetime | None:
    """Give the time of another schedule that a time of this one waits for.

    The period of a time begins behind the time before it. Awaited is the last time of the other in
    this period; None where it has none.

    >>> report = Schedule(name="report", job="report", cron="0 6 * * *")
    >>> extract = Schedule(name="extract", job="extract", cron="0 1,5 * * *")
    >>> awaited_time(report, extract, datetime(2026, 3, 28, 6, tzinfo=UTC)).isoformat()
    '2026-03-28T05:00:00+00:00'
    >>> weekly = Schedule(name="extract", job="extract", cron="0 5 * * sun")
    >>> awaited_time(report, weekly, datetime(2026, 3, 28, 6, tzinfo=UTC)) is None
    True
    """
    begin = _last_before(schedule, at)
    found = _last_before(other, at + _MOMENT)
    return None if found is None or (begin is not None and found <= begin) else found


def _last_before(schedule: Schedule, at: datetime) -> datetime | None:
    """Give the last time strictly before an instant, looking back further and further."""
    firing = Firing(schedule.plain or schedule.cron, schedule.timezone)
    back = timedelta(minutes=1)
    while back < _BACK_MAX:
        found = None
        for time in firing.after(at.astimezone(UTC) - back - timedelta(seconds=1)):
            if time >= at:
                break
            found = time
        if found is not None:
            return found
        back *= 8
    return None
