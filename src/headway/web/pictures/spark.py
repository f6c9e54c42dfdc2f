"""A sparkline: one measure over the last time, small, with what it is now in words."""

from collections.abc import Iterator, Sequence

from headway.model.value import Value
from headway.web.pictures.parts.svg import Element, Markup, number, picture, rect, shape, write
from headway.web.pictures.parts.text import SMALL, measure
from headway.web.times import length

_TOP, _HIGH, _EDGE = 18.0, 26.0, 3.0


class Spark(Value, kw_only=True):
    """One measure over time."""

    name: str
    """Such as `cpu`."""
    unit: str
    """Such as `cores`."""
    values: tuple[float | None, ...]
    """One for each step, the newest last; None where it was not measured."""
    step_s: float

    @property
    def now(self) -> float | None:
        """The newest value; None where it was not measured lately."""
        return next((value for value in self.values[-2:][::-1] if value is not None), None)

    @property
    def reading(self) -> str:
        """Say what it is now."""
        return "not measured" if self.now is None else f"{amount(self.now)} {self.unit}".strip()

    @property
    def says(self) -> str:
        """Say what it is now and has been."""
        known = [value for value in self.values if value is not None]
        over = length(len(self.values) * self.step_s)
        if not known:
            return f"not measured in {over}"
        least, most = amount(min(known)), amount(max(known))
        return f"now {self.reading}; between {least} and {most} in {over}"


def amount(value: float) -> str:
    """Write an amount as exactly as somebody reads it at a glance.

    >>> amount(0.1234), amount(3.14159), amount(1234.5), amount(0)
    ('0.12', '3.1', '1234', '0')
    """
    if value and abs(value) < 0.01:
        return "< 0.01" if value > 0 else "0"
    return f"{value:.0f}" if abs(value) >= 100 else number(round(value, 1 if value >= 1 else 2))


def spark(row: Spark, width: float = 220) -> Markup:
    """Draw a measure from nothing up to its most; where it was not measured there is no line."""
    wide = min(measure(row.reading, SMALL), width * 0.6)
    floor = _TOP + _HIGH
    inside: list[Element] = [
        write(row.name, _EDGE, 12, room=width - wide - 3 * _EDGE, size=SMALL, class_="quiet"),
        write(row.reading, width - _EDGE, 12, room=wide, size=SMALL, anchor="end"),
        rect(_EDGE, _TOP, width - 2 * _EDGE, _HIGH, "area", row.says, rx=0),
        shape("path", d=f"M{_EDGE} {floor}H{number(width - _EDGE)}", class_="tick"),
        *_lines(row.values, width),
    ]
    return picture(row.name, row.says, width, floor + 4, inside)


def _lines(values: Sequence[float | None], width: float) -> Iterator[Element]:
    most = max((value for value in values if value is not None), default=0.0)
    step = (width - 2 * _EDGE - 4) / max(1, len(values) - 1)
    floor = _TOP + _HIGH
    points: list[tuple[float, float]] = []
    for place, value in enumerate([*values, None]):
        if value is not None:
            high = _HIGH * min(1.0, max(0.0, value / most)) if most > 0 else 0.0
            points.append((_EDGE + 2 + step * place, floor - high))
        elif points:
            yield from _stretch(points, floor)
            points = []


def _stretch(points: Sequence[tuple[float, float]], floor: float) -> Iterator[Element]:
    """Draw values that follow one another; a single one is a dot."""
    if len(points) == 1:
        ((x, y),) = points
        yield shape("circle", cx=x, cy=y, r=1.5, class_="tip")
        return
    way = "L".join(f"{number(x)} {number(y)}" for x, y in points)
    first, last = points[0][0], points[-1][0]
    yield shape("path", d=f"M{way}L{number(last)} {floor}L{number(first)} {floor}z", class_="under")
    yield shape("path", d=f"M{way}", class_="curve")
