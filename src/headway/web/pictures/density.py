"""The density of a log: how much was written when, and how much of it to stderr."""

from collections.abc import Sequence
from datetime import datetime

from headway.formats.units import counted
from headway.model.value import Value
from headway.web.pictures.parts.mark import mark
from headway.web.pictures.parts.svg import Element, Markup, link, picture, rect
from headway.web.pictures.parts.time import Axis
from headway.web.times import instant
from headway.web.tone import Tone

_HIGH, _TOP, _EDGE, _GROUND = 28.0, 16.0, 2.0, 8.0


class Bucket(Value, kw_only=True):
    """The lines of one stretch of time."""

    begin: datetime
    lines: int
    stderr: int = 0
    """Of them, so many were written there."""
    to: str = ""
    """Where they can be read."""


def density(buckets: Sequence[Bucket], end: datetime, width: float = 920) -> Markup:
    """Draw buckets in order of time; stderr is the lower part, with a mark below it."""
    begin = buckets[0].begin if buckets else end
    axis = Axis(begin=begin, end=end, left=_EDGE, right=width - _EDGE)
    most = max((bucket.lines for bucket in buckets), default=0)
    floor = _TOP + _HIGH
    inside: list[Element] = list(axis.clock(_TOP, floor)) if buckets else []
    for number, bucket in enumerate(buckets):
        until = buckets[number + 1].begin if number + 1 < len(buckets) else end
        x, wide = axis.x(bucket.begin), max(axis.x(until) - axis.x(bucket.begin), 0)
        inside.append(_column(bucket, most, x, wide, floor))
    lines, stderr = sum(b.lines for b in buckets), sum(b.stderr for b in buckets)
    says = f"{counted(lines, 'line')}, {stderr} of them to stderr"
    if buckets:
        says += f", from {instant(begin)} to {instant(end)}"
    return picture("Lines in time", says, width, floor + _GROUND + 4, inside)


def _column(bucket: Bucket, most: int, x: float, wide: float, floor: float) -> Element:
    high = _HIGH * bucket.lines / most if most else 0
    odd = min(high, max(2.0, _HIGH * bucket.stderr / most)) if bucket.stderr and most else 0
    says = f"{instant(bucket.begin)}: {counted(bucket.lines, 'line')}, {bucket.stderr} to stderr"
    gap = 0.5 if wide > 3 else 0
    return link(
        bucket.to,
        says,
        rect(x, _TOP, wide, _HIGH, "area", rx=0),
        rect(x, floor - high, wide - gap, high - odd, "bar quiet", rx=0) if high > odd else None,
        rect(x, floor - odd, wide - gap, odd, "bar care", rx=0) if odd else None,
        mark(Tone.CARE, x + wide / 2, floor + 6) if odd and wide >= 10 else None,
    )
