"""What became of runs on the dead-letter list that was replayed or emptied."""

from headway.model.ids import RunId
from headway.model.value import Value


class RunAgain(Value, kw_only=True):
    """A run that was dead, and the one that repeats it."""

    run: RunId
    again: RunId


class LeftDead(Value, kw_only=True):
    """A run that stays on the dead-letter list, and why."""

    run: RunId
    because: str


class Replayed(Value, kw_only=True):
    """Runs of the dead-letter list that are made again."""

    runs: tuple[RunAgain, ...]
    left: tuple[LeftDead, ...] = ()
    after: RunId | None = None
    """Asking again behind this one gives the following; None is the end."""


class Emptied(Value, kw_only=True):
    """Runs that were taken off the dead-letter list."""

    runs: tuple[RunId, ...]
    after: RunId | None = None
    """Asking again behind this one gives the following; None is the end."""
