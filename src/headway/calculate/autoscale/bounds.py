"""How many nodes a pool may have at a time: its bounds, or those of a window that is open."""

from datetime import datetime, timedelta

from headway.calculate.firing import Firing
from headway.model.pool import Scaling, Window
from headway.model.value import Value


class Bounds(Value, kw_only=True):
    """Bounds that hold now."""

    nodes_min: int
    nodes_max: int
    because: str = ""
    """Where a window says so."""
    until: datetime | None = None
    """Others may hold from then on."""


def bounds_at(scaling: Scaling, now: datetime) -> Bounds:
    """Give the bounds of the first window that is open, or those of the pool.

    >>> from datetime import UTC
    >>> night = Window(cron="0 20 * * *", length_s=10 * 3600, nodes_max=2)
    >>> late = datetime(2026, 3, 1, 23, tzinfo=UTC)
    >>> found = bounds_at(Scaling(nodes_min=3, nodes_max=9, windows=(night,)), late)
    >>> found.nodes_min, found.nodes_max, found.until.hour
    (2, 2, 6)
    """
    edges: list[datetime] = []
    chosen: tuple[Window, datetime] | None = None
    for window in scaling.windows:
        ends_at = _open_until(window, now)
        if ends_at is not None:
            edges.append(ends_at)
            chosen = chosen or (window, ends_at)
        opens_at = next(Firing(window.cron, window.timezone).after(now), None)
        if opens_at is not None:
            edges.append(opens_at)
    until = min(edges, default=None)
    if chosen is None:
        return Bounds(nodes_min=scaling.nodes_min, nodes_max=scaling.nodes_max, until=until)
    window, ends_at = chosen
    most = scaling.nodes_max if window.nodes_max is None else window.nodes_max
    least = scaling.nodes_min if window.nodes_min is None else window.nodes_min
    if window.nodes_max is None:
        most = max(most, least)
    return Bounds(
        nodes_min=min(least, most),
        nodes_max=most,
        because=f"from {window.cron} for {window.length_s / 3600:g} h",
        until=until,
    )


def _open_until(window: Window, now: datetime) -> datetime | None:
    """Give when a window closes that is open; the latest, where its times overlap."""
    length = timedelta(seconds=window.length_s)
    latest: datetime | None = None
    for at in Firing(window.cron, window.timezone).after(now - length):
        if at > now:
            break
        latest = at
    return latest + length if latest is not None else None
