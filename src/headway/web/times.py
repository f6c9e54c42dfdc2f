"""Instants and lengths of time as people read them."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400


def length(seconds: float) -> str:
    """Say how long something took or takes, in at most two units.

    >>> length(0.008), length(9.6), length(75), length(3 * 3600 + 120), length(200000)
    ('8 ms', '9.6 s', '1 min 15 s', '3 h 2 min', '2 d 7 h')
    """
    if round(seconds * 1000) < 1000:
        return f"{seconds * 1000:.0f} ms"
    if seconds < _MINUTE_S:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    for unit_s, unit, smaller_s, smaller in (
        (_DAY_S, "d", _HOUR_S, "h"),
        (_HOUR_S, "h", _MINUTE_S, "min"),
        (_MINUTE_S, "min", 1, "s"),
    ):
        if seconds >= unit_s:
            whole, rest = divmod(int(seconds), unit_s)
            part = rest // smaller_s
            return f"{whole} {unit} {part} {smaller}" if part else f"{whole} {unit}"
    raise AssertionError(seconds)


def distance(at: datetime, now: datetime) -> str:
    """Say how far an instant is, in one unit; the page's own script says the same as time goes on.

    >>> from datetime import timedelta
    >>> now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    >>> distance(now - timedelta(seconds=200), now), distance(now + timedelta(hours=8), now)
    ('3 min ago', 'in 8 h')
    """
    seconds = (at - now).total_seconds()
    gone = abs(seconds)
    for unit_s, unit in ((_DAY_S, "d"), (_HOUR_S, "h"), (_MINUTE_S, "min"), (1, "s")):
        if gone >= unit_s:
            text = f"{int(gone // unit_s)} {unit}"
            return f"in {text}" if seconds > 0 else f"{text} ago"
    return "now"


def instant(at: datetime) -> str:
    """Write an instant out, in UTC.

    >>> instant(datetime(2026, 3, 1, 12, tzinfo=UTC))
    '2026-03-01 12:00:00 UTC'
    """
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def clocks(at: datetime, zone: str) -> str:
    """Write an instant as the clocks of a time zone show it, and in UTC where that is another.

    >>> clocks(datetime(2026, 3, 29, 1, tzinfo=UTC), "Europe/Berlin")
    'Sun 29 Mar 03:00 CEST · 01:00 UTC'
    >>> clocks(datetime(2026, 3, 28, 23, tzinfo=UTC), "Europe/Berlin")
    'Sun 29 Mar 00:00 CET · Sat 28 Mar 23:00 UTC'
    >>> clocks(datetime(2026, 3, 29, 1, tzinfo=UTC), "UTC")
    'Sun 29 Mar 01:00 UTC'
    """
    there, here = at.astimezone(_zone(zone)), at.astimezone(UTC)
    said = f"{there:%a %d %b %H:%M %Z}"
    if there.utcoffset() == here.utcoffset():
        return said
    return f"{said} · {here:{'%H:%M' if there.date() == here.date() else '%a %d %b %H:%M'}} UTC"


def _zone(zone: str) -> tzinfo:
    """Give a time zone; of one that is not known, UTC."""
    try:
        return ZoneInfo(zone)
    except (ValueError, OSError, ZoneInfoNotFoundError):  # the machine's may be newer or older
        return UTC
