"""Time in pictures: an axis with round marks."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from headway.model.value import Value
from headway.web.pictures.parts.svg import Element, shape, write
from headway.web.pictures.parts.text import SMALL, measure

_STEPS_S = (
    *(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5),
    *(1, 2, 5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 3 * 3600, 6 * 3600, 12 * 3600),
    *(86400 * days for days in (1, 2, 7, 14, 30, 90, 365)),
)
_MARKS_MAX = 9
_APART = 12.0
"""Pixels between two marks' texts at least."""


class Axis(Value, kw_only=True):
    """A stretch of time over a stretch of pixels."""

    begin: datetime
    end: datetime
    left: float
    right: float

    @property
    def length_s(self) -> float:
        """How long it is, in seconds."""
        return max((self.end - self.begin).total_seconds(), 1e-6)

    def x(self, at: datetime) -> float:
        """Give where an instant is; one outside is at the end nearest to it."""
        share = (at - self.begin).total_seconds() / self.length_s
        return self.left + (self.right - self.left) * min(1.0, max(0.0, share))

    def elapsed(self, top: float, bottom: float) -> Iterator[Element]:
        """Mark round lengths of time since the beginning."""
        step = self._step(measure(_round_length(self.length_s), SMALL))
        for count in range(int(self.length_s / step) + 1):
            at = self.begin + timedelta(seconds=count * step)
            yield from self._mark(at, _round_length(count * step), top, bottom)

    def clock(self, top: float, bottom: float) -> Iterator[Element]:
        """Mark round times of day, in UTC."""
        step = self._step(measure("00:00:00", SMALL))
        form = "%d %b" if step >= 86400 else "%H:%M" if step >= 60 else "%H:%M:%S"
        first = -(-self.begin.timestamp() // step) * step
        for count in range(int((self.end.timestamp() - first) / step) + 1):
            at = datetime.fromtimestamp(first + count * step, UTC)
            yield from self._mark(at, f"{at:{form}}", top, bottom)

    def _step(self, wide: float) -> float:
        """Give the shortest round step at which texts do not touch."""
        room = (self.right - self.left) / (1.5 * wide + _APART)
        most = min(max(1.0, room), _MARKS_MAX)
        return next((step for step in _STEPS_S if self.length_s / step <= most), self.length_s)

    def _mark(self, at: datetime, text: str, top: float, bottom: float) -> Iterator[Element]:
        x = self.x(at)
        yield shape("path", d=f"M{x:.1f} {top:.1f}V{bottom:.1f}", class_="tick")
        width = measure(text, SMALL)
        anchor = "start" if x - width / 2 < self.left else "middle"
        anchor = "end" if x + width / 2 > self.right else anchor
        yield write(text, x, top - 4, room=width, size=SMALL, class_="quiet", anchor=anchor)


def _round_length(seconds: float) -> str:
    """Write a round length of time, as exactly as it is.

    >>> _round_length(0.05), _round_length(90), _round_length(6 * 3600), _round_length(86400)
    ('0.05 s', '1.5 min', '6 h', '1 d')
    """
    for unit_s, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= unit_s:
            return f"{seconds / unit_s:.3g} {unit}"
    return f"{seconds:.3g} s"
