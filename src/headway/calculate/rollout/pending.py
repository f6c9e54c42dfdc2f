"""What a decision wanted and could not do, in words: of many copies for one reason, how many."""

from collections.abc import Collection
from itertools import islice
from typing import NamedTuple

from headway.model.words import and_more

_SHOWN = 3


class Unplaced(NamedTuple):
    """Copies that have no place, all for one reason."""

    process: str
    release: str
    wanted: int
    """So many there are to be, with those that have a place."""
    because: str


class Pending:
    """Reasons, in the order in which they were found."""

    def __init__(self) -> None:
        self._reasons: dict[str | Unplaced, dict[int, None]] = {}
        """Of copies without a place, with their slots."""

    def add(self, because: str) -> None:
        """Say why something cannot be done now; once."""
        self._reasons.setdefault(because, {})

    def add_copy(self, unplaced: Unplaced, slot: int) -> None:
        """Say why a copy has no place."""
        self._reasons.setdefault(unplaced, {})[slot] = None

    @property
    def sentence(self) -> str:
        """All of it, of many reasons the first; empty where all can be done."""
        first = islice(self._reasons.items(), _SHOWN)
        return and_more([_said(*row) for row in first], len(self._reasons), "; ")


def _said(what: str | Unplaced, slots: Collection[int]) -> str:
    if isinstance(what, str):
        return what
    if len(slots) == 1:
        return f"{what.process}.{min(slots)} ({what.release}) does not fit: {what.because}"
    many = f"{len(slots)} of {what.wanted} copies of {what.process} ({what.release})"
    return f"{many} do not fit: {what.because}"
