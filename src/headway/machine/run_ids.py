"""Ids of runs: short, and in the order in which the runs were made."""

import re
import secrets
from collections.abc import Callable
from datetime import datetime

from headway.model.ids import RunId

_ID = re.compile(r"[0-9a-hjkmnp-tv-z]{16}")
_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: nothing that is read for something else."""
_PAIRS = tuple(one + two for one in _DIGITS for two in _DIGITS)
_TIME_LENGTH = 10
_TIMES = 1 << 5 * _TIME_LENGTH
_ROOM = tuple(range(70, -1, -10))
"""How far each pair of digits stands from the end, in bits."""


class RunIds:
    """Makes ids that rise: 50 bits of microseconds, then 30 bits of chance."""

    def __init__(self, draw: Callable[[int], int] = secrets.randbits) -> None:
        self._draw = draw
        self._last = 0

    def make(self, now: datetime) -> RunId:
        """Make the next id."""
        self._last = max(self._last + 1, round(now.timestamp() * 1_000_000))
        return RunId(_written(self._last << 30 | self._draw(30)))


def is_run_id(text: str) -> bool:
    """Say whether a text can be the id of a run."""
    return _ID.fullmatch(text) is not None


def age_s(run: RunId, now: datetime) -> float:
    """Say how long ago a run's id was made; 0 of one from the future.

    >>> from datetime import UTC, timedelta
    >>> noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    >>> age_s(RunIds().make(noon), noon + timedelta(minutes=2))
    120.0
    """
    made = 0
    for digit in run[:_TIME_LENGTH]:
        made = made << 5 | _DIGITS.index(digit)
    # Only the lower bits of the time are in it: they come again after 35 years.
    age = (round(now.timestamp() * 1_000_000) - made) % _TIMES
    return 0.0 if age > _TIMES // 2 else age / 1_000_000


def _written(number: int) -> str:
    """Write eighty bits, two digits at once; of a time that has more, the lowest."""
    return "".join([_PAIRS[number >> at & 1023] for at in _ROOM])
