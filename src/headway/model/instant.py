"""Instants, as rows are found by them."""

from datetime import datetime


def microseconds(at: datetime) -> int:
    """Give an instant in microseconds since 1970.

    >>> microseconds(datetime.fromisoformat("1970-01-01T00:00:01.5+00:00"))
    1500000
    """
    return round(at.timestamp() * 1_000_000)
