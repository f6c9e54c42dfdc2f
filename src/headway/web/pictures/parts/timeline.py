"""Rows over time: what each was doing from when to when, and what happened meanwhile."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from headway.model.value import Value
from headway.web.pictures.parts.mark import mark
from headway.web.pictures.parts.svg import (
    Element,
    Markup,
    group,
    hint,
    link,
    picture,
    rect,
    shape,
    write,
)
from headway.web.pictures.parts.text import SMALL, measure
from headway.web.pictures.parts.time import Axis
from headway.web.times import instant, length
from headway.web.tone import Tone

PHONE = 520.0
"""Pictures narrower than this have their texts above their bars."""
_TOP, _EDGE, _GAP = 18.0, 8.0, 12.0


class Span(Value, kw_only=True):
    """A part of a row."""

    begin: datetime
    end: datetime | None
    """None: it goes on."""
    tone: Tone
    word: str
    """What it was."""


class Marked(Value, kw_only=True):
    """What happened at one instant."""

    at: datetime
    tone: Tone
    says: str


class Row(Value, kw_only=True):
    """One row."""

    name: str
    tone: Tone
    word: str
    """How it is, or ended."""
    spans: tuple[Span, ...]
    marks: tuple[Marked, ...] = ()
    note: str = ""
    """A line below it."""
    to: str = ""

    def took_s(self, now: datetime) -> float:
        """Give how long all of its spans took."""
        if not self.spans:
            return 0.0
        return max(0.0, ((self.spans[-1].end or now) - self.spans[0].begin).total_seconds())


def timeline(name: str, says: str, rows: Sequence[Row], now: datetime, width: float) -> Markup:
    """Draw rows, one below the other, over the time from the first begin to the last end."""
    tails = [_tail(row, now) for row in rows]
    phone = width < PHONE
    label = 0.0 if phone else min(max((measure(row.name) for row in rows), default=0), width * 0.3)
    tail = 0.0 if phone else min(max(map(measure, tails), default=0) + 18, width * 0.32)
    moments = [at for row in rows for span in row.spans for at in (span.begin, span.end or now)]
    axis = Axis(
        begin=min(moments, default=now),
        end=max(moments, default=now),
        left=_EDGE + (label + _GAP if label else 0),
        right=width - _EDGE - (tail + _GAP if tail else 0),
    )
    tops, y = [], _TOP + 4
    for row in rows:
        tops.append(y)
        y += _high(row, phone=phone)
    inside = [*axis.elapsed(_TOP - 2, y), *_rows(rows, tops, axis, width, now)]
    return picture(name, says, width, y + 4, inside)


def _high(row: Row, *, phone: bool) -> float:
    return 24 + (16 if phone else 0) + (16 if row.note else 0)


def _tail(row: Row, now: datetime) -> str:
    return f"{row.word} · {length(row.took_s(now))}" if row.spans else row.word


def _rows(
    rows: Sequence[Row], tops: Sequence[float], axis: Axis, width: float, now: datetime
) -> Iterator[Element]:
    phone = width < PHONE
    for row, top in zip(rows, tops, strict=True):
        tail = _tail(row, now)
        bar = top + (20 if phone else 4)
        foot = top + (14 if phone else 16)
        wide = min(measure(tail), width * 0.55) if phone else width - axis.right - _GAP - 26
        tail_x = width - _EDGE - wide if phone else axis.right + _GAP + 18
        name_room = tail_x - 26 - _EDGE if phone else axis.left - _GAP - _EDGE
        parts = [
            write(row.name, _EDGE, foot, room=name_room),
            mark(row.tone, tail_x - 11, foot - 4),
            write(tail, tail_x, foot, room=wide, class_="quiet"),
            *_bars(row, bar, axis, now),
        ]
        if row.note:
            left = _EDGE if phone else axis.left
            parts.append(
                write(
                    row.note,
                    left,
                    bar + 26,
                    room=width - left - _EDGE,
                    size=SMALL,
                    class_=f"note {row.tone.value}",
                )
            )
        yield link(row.to, f"{row.name}: {tail}", *parts) if row.to else group(parts)


def _bars(row: Row, y: float, axis: Axis, now: datetime) -> Iterator[Element]:
    for span in row.spans:
        begin, end = axis.x(span.begin), axis.x(span.end or now)
        left = min(begin, axis.right - 2)
        says = f"{span.word}: {length(((span.end or now) - span.begin).total_seconds())}"
        says += f", from {instant(span.begin)}" + ("" if span.end else ", and goes on")
        open_end = "" if span.end else " open"
        yield rect(left, y, max(2.0, end - left), 14, f"bar {span.tone.value}{open_end}", says)
    for happening in row.marks:
        # Kept a mark's width inside, so that the first and the last are whole.
        x = min(max(axis.x(happening.at), axis.left + 5), axis.right - 5)
        yield group(
            [
                hint(f"{instant(happening.at)} {happening.says}"),
                shape("circle", cx=x, cy=y + 7, r=6.5, class_="plate"),
                mark(happening.tone, x, y + 7),
            ]
        )
