"""The schedule strip: when what comes next, over a stretch of time."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from headway.formats.units import counted
from headway.model.value import Value
from headway.web.pictures.parts.mark import mark
from headway.web.pictures.parts.svg import Element, Markup, group, hint, link, picture, shape, write
from headway.web.pictures.parts.text import SMALL, measure
from headway.web.pictures.parts.time import Axis
from headway.web.pictures.parts.timeline import PHONE
from headway.web.times import instant, length
from headway.web.tone import Tone

TIMES_MAX = 30
"""Times of a schedule that are looked ahead: all of a day for what runs each hour.

Who has so many has more."""
_TOP, _EDGE, _GAP = 18.0, 8.0, 12.0


class Times(Value, kw_only=True):
    """One schedule, and its times to come."""

    name: str
    at: tuple[datetime, ...] = ()
    paused: bool = False
    to: str = ""

    def word(self, now: datetime) -> str:
        """Say when it is next."""
        if self.paused:
            return "paused"
        if not self.at:
            return "no time to come"
        return f"in {length(max(0.0, (self.at[0] - now).total_seconds()))}"


def strip(rows: Sequence[Times], now: datetime, span: timedelta, width: float = 920) -> Markup:
    """Draw a row for each schedule, from now on; a time beyond the end is not drawn."""
    phone = width < PHONE
    words = [row.word(now) for row in rows]
    label = 0.0 if phone else min(max((measure(row.name) for row in rows), default=0), width * 0.3)
    tail = 0.0 if phone else max((measure(word, SMALL) for word in words), default=0)
    axis = Axis(
        begin=now,
        end=now + span,
        left=_EDGE + (label + _GAP if label else 0),
        right=width - _EDGE - (tail + 16 + _GAP if tail else 0),
    )
    high = 38.0 if phone else 24.0
    bottom = _TOP + 4 + high * len(rows)
    inside: list[Element] = list(axis.clock(_TOP - 2, bottom))
    for number, (row, word) in enumerate(zip(rows, words, strict=True)):
        inside.append(_row(row, word, axis, _TOP + 4 + high * number, width))
    said = "; ".join(f"{row.name} {word}" for row, word in zip(rows, words, strict=True))
    says = f"{counted(len(rows), 'schedule')} over {length(span.total_seconds())}: {said or 'none'}"
    return picture("Times to come", says, width, bottom + 4, inside)


def _row(row: Times, word: str, axis: Axis, top: float, width: float) -> Element:
    phone = width < PHONE
    foot, middle = top + (13 if phone else 16), top + (27 if phone else 12)
    tone = Tone.CARE if row.paused else Tone.GOOD if row.at else Tone.QUIET
    wide = measure(word, SMALL)
    tail = width - _EDGE - wide
    room = tail - _EDGE - 26 if phone else axis.left - _GAP - _EDGE
    parts: list[Element] = [
        write(row.name, _EDGE, foot, room=room),
        mark(tone, tail - 10, foot - 4),
        write(word, tail, foot, room=wide, size=SMALL, class_="quiet"),
        shape("path", d=f"M{axis.left:.1f} {middle:.1f}H{axis.right:.1f}", class_="line"),
    ]
    if len(row.at) >= TIMES_MAX and row.at[-1] < axis.end:
        parts.append(_rest(row, axis, middle, tone))
    for at in row.at:
        if axis.begin <= at <= axis.end:
            x = min(max(axis.x(at), axis.left + 4), axis.right - 4)
            title = hint(f"{row.name}: {instant(at)}")
            parts.append(shape("circle", title, cx=x, cy=middle, r=4, class_=f"dot {tone.value}"))
    return link(row.to, f"{row.name}: {word}", *parts) if row.to else group(parts)


def _rest(row: Times, axis: Axis, middle: float, tone: Tone) -> Element:
    """Draw that it goes on behind the times that are known."""
    title = hint(f"{row.name}: goes on as often")
    left = axis.x(row.at[-1])
    size = {"width": axis.right - left, "height": 4, "rx": 2}
    return shape("rect", title, x=left, y=middle - 2, class_=f"bar {tone.value} part-1", **size)
