"""Deployments that came to nothing lately, while what served before them goes on."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from headway.model.deployment import NOT_KEPT, Deployment

_LATELY = timedelta(days=1)


def not_kept_lately(last: Iterable[Deployment | None], now: datetime) -> list[Deployment]:
    """List those among the last deployments of apps, the newest first.

    One that failed where nothing had served is no such: its app is what is wrong.
    """
    found = [
        (row.ended_at, row)
        for row in last
        if row is not None and row.phase in NOT_KEPT and row.previous is not None and row.ended_at
    ]
    found.sort(key=lambda pair: pair[0], reverse=True)
    return [row for ended_at, row in found if now - ended_at < _LATELY]
