"""Types of which a provider has none: when each is asked for again."""

from datetime import datetime, timedelta

from headway.model.value import Value

FIRST_S = 120.0
"""A type that is not to be had is asked for again after so long."""
MOST_S = 1800.0
"""That doubles with each refusal, up to this."""


class Scarcity(Value, kw_only=True):
    """What a provider has said of a type of a pool."""

    said: str
    until: datetime
    """It is asked for again then."""
    refusals: int = 1
    """One after the other; those of nodes that were asked for together are one."""


def refused(known: Scarcity | None, said: str, now: datetime) -> Scarcity:
    """Say when to ask again for a type that was just refused.

    >>> nine = datetime(2026, 1, 1, 9)
    >>> first = refused(None, "none left", nine)
    >>> (first.until - nine).total_seconds()
    120.0
    >>> refused(first, "none left", nine).until == first.until
    True
    >>> (refused(first, "none left", first.until).until - first.until).total_seconds()
    240.0
    """
    if known is not None and now < known.until:
        return Scarcity(said=said, until=known.until, refusals=known.refusals)
    refusals = 1 if known is None else known.refusals + 1
    wait_s = min(FIRST_S * 2 ** min(refusals - 1, 16), MOST_S)
    return Scarcity(said=said, until=now + timedelta(seconds=wait_s), refusals=refusals)
