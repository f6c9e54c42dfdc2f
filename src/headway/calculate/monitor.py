"""The monitor: runs that have waited or run for longer than makes sense."""

from collections.abc import Iterable
from datetime import datetime

from headway.calculate.estimate import Estimate
from headway.model.run import Run, RunState
from headway.model.value import Value

STUCK_S = 900.0
"""What could start and has not for so long is looked at by somebody."""
LONG_FACTOR = 4.0
"""What runs so many times longer than one in ten of its like is looked at, too."""
_LONG_LEAST_S = 60.0
_SEEN_LEAST = 5


class Flag(Value, kw_only=True):
    """One run that somebody should look at."""

    run: str
    because: str


def flags(runs: Iterable[tuple[Run, Estimate]], now: datetime) -> tuple[Flag, ...]:
    """Flag runs that are stuck, and those that run too long.

    Args:
        runs: Queued and active ones, each with what is thought of its job's runs.
        now: As of when.
    """
    found: list[Flag] = []
    for run, thought in runs:
        because = _stuck(run, now) if run.state is RunState.QUEUED else _long(run, thought, now)
        if because:
            found.append(Flag(run=run.id, because=because))
    return tuple(found)


def _stuck(run: Run, now: datetime) -> str:
    since = max(run.created_at, run.due_at or run.created_at)
    waited_s = (now - since).total_seconds()
    return f"{run.job} has waited for {waited_s / 60:.0f} min" if waited_s >= STUCK_S else ""


def _long(run: Run, thought: Estimate, now: datetime) -> str:
    attempt = run.attempt
    if attempt is None or thought.seen < _SEEN_LEAST:
        return ""
    ran_s = (now - (attempt.began_at or attempt.ordered_at)).total_seconds()
    if ran_s < max(_LONG_LEAST_S, LONG_FACTOR * thought.high_s):
        return ""
    return (
        f"{run.job} has run for {ran_s / 60:.0f} min, "
        f"nine in ten of its like took less than {thought.high_s / 60:.1f}"
    )
