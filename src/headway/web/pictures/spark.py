"""A sparkline: one measure over the last time, as a curve; what it says stands beside it."""

from collections.abc import Iterator, Sequence

from headway.model.value import Value
from headway.web.amounts import amount
from headway.web.pictures.parts.svg import Element, Markup, number, picture, rect, shape
from headway.web.times import length

_WIDE, _HIGH, _EDGE = 220.0, 40.0, 3.0


class Spark(Value, kw_only=True):
    """One measure over time."""

    name: str
    """Such as `cpu`."""
    unit: str
    """Such as `cores`; empty of what is counted."""
    values: tuple[float | None, ...]
    """One for each step, the newest last; None where it was not measured."""
    step_s: float
    """A value is the mean over so long."""

    @property
    def is_measured(self) -> bool:
        """Whether there is anything to draw."""
        return any(value is not None for value in self.values)

    @property
    def now(self) -> float | None:
        """The newest value; None where it was not measured lately."""
        return next((value for value in self.values[-2:][::-1] if value is not None), None)

    @property
    def reading(self) -> str:
        """Say what it is now; what is counted is called a mean, for it is no count."""
        if self.now is None:
            return "not measured"
        return f"{amount(self.now)} {self.unit}" if self.unit else f"mean {amount(self.now)}"

    @property
    def over(self) -> str:
        """Say how far back it goes."""
        return length(len(self.values) * self.step_s)

    @property
    def step(self) -> str:
        """Say what one value is the mean of."""
        return length(self.step_s)

    @property
    def says(self) -> str:
        """Say what it is now and has been."""
        known = [value for value in self.values if value is not None]
        if not known:
            return f"not measured in {self.over}"
        span = f"between {amount(min(known))} and {amount(max(known))} in {self.over}"
        return f"now {self.reading}; {span}, in means of {self.step}"


def spark(row: Spark) -> Markup:
    """Draw a measure from nothing up to its most; where it was not measured there is no line.

    There is no word in it: it is stretched to the room that there is.
    """
    floor = _HIGH - _EDGE
    inside: list[Element] = [
        rect(0, 0, _WIDE, _HIGH, "area", row.says, rx=0),
        shape("path", d=f"M0 {number(floor)}H{number(_WIDE)}", class_="tick"),
        *_lines(row.values, floor),
    ]
    return picture(row.name, row.says, _WIDE, _HIGH, inside, stretched=True)


def _lines(values: Sequence[float | None], floor: float) -> Iterator[Element]:
    most = max((value for value in values if value is not None), default=0.0)
    step = (_WIDE - 2 * _EDGE) / max(1, len(values) - 1)
    points: list[tuple[float, float]] = []
    for place, value in enumerate([*values, None]):
        if value is not None:
            share = min(1.0, max(0.0, value / most)) if most > 0 else 0.0
            points.append((_EDGE + step * place, floor - (floor - _EDGE) * share))
        elif points:
            yield from _stretch(points, floor)
            points = []


def _stretch(points: Sequence[tuple[float, float]], floor: float) -> Iterator[Element]:
    """Draw values that follow one another; a single one is a dot, round however it is stretched."""
    if len(points) == 1:
        ((x, y),) = points
        yield shape("path", d=f"M{number(x)} {number(y)}h.01", class_="point")
        return
    way = "L".join(f"{number(x)} {number(y)}" for x, y in points)
    first, last = number(points[0][0]), number(points[-1][0])
    yield shape("path", d=f"M{way}L{last} {number(floor)}L{first} {number(floor)}z", class_="under")
    yield shape("path", d=f"M{way}", class_="curve")
