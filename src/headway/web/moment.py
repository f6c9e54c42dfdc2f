"""Moments as people type them into a page."""

from contextlib import suppress
from datetime import datetime, timedelta

from headway.control.errors import Invalid
from headway.formats.units import parse_duration
from headway.model.length import LENGTH_MAX_S


def moment(text: str, now: datetime, *, ahead: bool) -> datetime | None:
    """Read a length of time from now, ahead or back, or an instant with its offset.

    >>> from datetime import UTC
    >>> moment("90s", datetime(2026, 3, 1, 12, tzinfo=UTC), ahead=True).isoformat()
    '2026-03-01T12:01:30+00:00'
    >>> moment(" ", datetime(2026, 3, 1, 12, tzinfo=UTC), ahead=True) is None
    True

    Raises:
        Invalid: It is neither.
    """
    text = text.strip()
    if not text:
        return None
    seconds = parse_duration(text)
    at: datetime | None = None
    if seconds is None:
        with suppress(ValueError):
            at = datetime.fromisoformat(text)
    elif seconds <= LENGTH_MAX_S:
        at = now + timedelta(seconds=seconds if ahead else -seconds)
    if at is None or at.tzinfo is None:
        raise Invalid(
            "time-invalid",
            f"{text!r} is no time",
            hint="such as 10m, or 2026-12-24T18:00Z with its offset",
        )
    return at
