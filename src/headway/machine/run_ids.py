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
_CHANCE_LENGTH = 6


class RunIds:
    """Makes ids that rise: 50 bits of microseconds, then 30 bits of chance."""

    def __init__(self, draw: Callable[[int], int] = secrets.randbits) -> None:
        self._draw = draw
        self._last = 0

    def make(self, now: datetime) -> RunId:
        """Make the next id."""
        self._last = max(self._last + 1, round(now.timestamp() * 1_000_000))
        chance = self._draw(5 * _CHANCE_LENGTH)
        return RunId(_written(self._last, _TIME_LENGTH) + _written(chance, _CHANCE_LENGTH))


def is_run_id(text: str) -> bool:
    """Say whether a text can be the id of a run."""
    return _ID.fullmatch(text) is not None


def _written(number: int, length: int) -> str:
    """Write a number in an even number of digits, two at once."""
    return "".join([_PAIRS[number >> at & 1023] for at in range(5 * (length - 2), -1, -10)])
