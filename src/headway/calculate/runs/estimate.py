"""How long something will run, from how long the same ran before."""

from collections.abc import Iterable, Sequence
from math import log

import msgspec

from headway.model.length import LENGTH_MAX_S
from headway.model.value import Value

SEEN_MAX = 64
"""The newest that are looked at: what a job did last month says little of it today."""
_UNKNOWN_S = 600.0
_FEW = 3


class Estimate(Value, kw_only=True):
    """What is thought of a job's next run."""

    middle_s: float
    """Half of them are shorter."""
    high_s: float
    """One in ten is longer."""
    longest_s: float = LENGTH_MAX_S
    """None that was seen took longer."""
    seen: int = 0
    spread: float = 0.0
    """Half the logarithm of what lies between the slowest and the fastest sixth: 0.7 is a factor of
    two either way."""


def estimate(runs_s: Iterable[float]) -> Estimate:
    """Estimate a duration from recent ones, newest first.

    Medians, for a single run that hung must not make every next one look long. Of fewer than three
    it is the longest. Without any it is ten minutes, and may be as long as anything.

    Args:
        runs_s: Of runs that succeeded or failed by themselves.

    >>> estimate([60, 70, 65, 300, 62]).middle_s
    65.0
    """
    seen = [max(0.1, float(value)) for value, _ in zip(runs_s, range(SEEN_MAX), strict=False)]
    if not seen:
        return Estimate(middle_s=_UNKNOWN_S, high_s=4 * _UNKNOWN_S)
    ordered = sorted(seen)
    middle_s = ordered[-1] if len(ordered) < _FEW else quantile(ordered, 0.5)
    spread = (log(quantile(ordered, 5 / 6)) - log(quantile(ordered, 1 / 6))) / 2
    return Estimate(
        middle_s=middle_s,
        high_s=quantile(ordered, 0.9),
        longest_s=ordered[-1],
        seen=len(ordered),
        spread=spread,
    )


def within(thought: Estimate, most_s: float) -> Estimate:
    """Give an estimate of what is ended by a limit.

    >>> within(estimate([]), 120).middle_s
    120
    """
    return msgspec.structs.replace(
        thought,
        middle_s=min(thought.middle_s, most_s),
        high_s=min(thought.high_s, most_s),
        longest_s=min(thought.longest_s, most_s),
    )


def quantile(ordered: Sequence[float], share: float) -> float:
    """Give the value below which a share of sorted values lies, between two of them in proportion.

    >>> quantile([10, 20, 30], 0.75)
    25.0
    """
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return float(ordered[low] + (place - low) * (ordered[high] - ordered[low]))
