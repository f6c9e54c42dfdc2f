"""One figure over time: the last hour step by step, and the day before in means of many steps.

What it takes is bounded: 2.6 KB when it is full.
"""

from array import array
from collections.abc import Sequence
from math import isnan, nan

STEPS = 360
"""So many of the last steps are kept as they were."""
FOLD = 30
"""So many steps become one mean."""
FOLDS = 288
"""So many means are kept: 24 times as long as steps are."""


class Ring:
    """The last so many values, one for each step; where none was put there is none."""

    __slots__ = ("_cells", "_last", "_origin", "_size")

    def __init__(self, size: int) -> None:
        self._size = size
        self._cells = array("f")
        self._origin = self._last = 0

    @property
    def last(self) -> int | None:
        """The last step that has a value; None before the first."""
        return self._last if self._cells else None

    def put(self, step: int, value: float) -> bool:
        """Add the value of a step, unless it is no later than the last; says whether it was."""
        missed = step - self._last - 1
        if not self._cells or missed >= self._size:
            self._cells = array("f", (value,))
            self._origin = step
        elif missed < 0:
            return False
        else:
            for late in range(step - missed, step):
                self._set(late, nan)
            self._set(step, value)
        self._last = step
        return True

    def _set(self, step: int, value: float) -> None:
        if len(self._cells) < self._size:
            self._cells.append(value)
        else:
            self._cells[(step - self._origin) % self._size] = value

    def get(self, step: int) -> float | None:
        """Give the value of a step."""
        if not self._last - len(self._cells) < step <= self._last:
            return None
        value = self._cells[(step - self._origin) % self._size]
        return None if isnan(value) else value


class Series:
    """Values as they are noted, and their means."""

    __slots__ = ("_bucket", "_count", "_means", "_steps", "_sum")

    def __init__(self) -> None:
        self._steps = Ring(STEPS)
        self._means = Ring(FOLDS)
        self._bucket = self._count = 0
        self._sum = 0.0

    @property
    def last(self) -> int | None:
        """The last step of which a value was noted."""
        return self._steps.last

    def note(self, step: int, value: float) -> None:
        """Add the value of a step. Steps only rise: what comes late is left out."""
        if not self._steps.put(step, value):
            return
        bucket = step // FOLD
        if bucket != self._bucket:
            self._fold()
            self._bucket, self._sum, self._count = bucket, 0.0, 0
        self._sum += value
        self._count += 1

    def _fold(self) -> None:
        if self._count:
            self._means.put(self._bucket, self._sum / self._count)

    def steps(self, begin: int, end: int) -> list[float | None]:
        """Give the values of the steps from `begin` on, `end` left out."""
        return [self._steps.get(step) for step in range(begin, end)]

    def means(self, begin: int, end: int) -> list[float | None]:
        """Give means of `FOLD` steps each; that of the last is of what was noted so far."""
        return [self._mean(bucket) for bucket in range(begin, end)]

    def _mean(self, bucket: int) -> float | None:
        if self._count and bucket == self._bucket:
            return self._sum / self._count
        return self._means.get(bucket)


def summed(rows: Sequence[Sequence[float | None]]) -> list[float | None]:
    """Add series up, step by step; what only some have is theirs.

    >>> summed([[1.0, None, None], [2.0, 3.0, None]])
    [3.0, 3.0, None]
    """
    return [
        sum(known) if (known := [value for value in column if value is not None]) else None
        for column in zip(*rows, strict=True)
    ]


def weighed(
    rows: Sequence[Sequence[float | None]], weights: Sequence[Sequence[float | None]]
) -> list[float | None]:
    """Give the mean of series, step by step, each by its weight; none where nothing weighs.

    >>> weighed([[10.0, 10.0], [40.0, None]], [[2.0, 0.0], [1.0, 3.0]])
    [20.0, None]
    """
    found: list[float | None] = []
    for values, shares in zip(zip(*rows, strict=True), zip(*weights, strict=True), strict=True):
        both = [
            (value, share)
            for value, share in zip(values, shares, strict=True)
            if value is not None and share
        ]
        weight = sum(share for _, share in both)
        found.append(sum(value * share for value, share in both) / weight if both else None)
    return found


def folded(values: Sequence[float | None], width: int) -> list[float | None]:
    """Give the means of so many neighbours each; the last may be of fewer.

    >>> folded([9.0, 1.0, 3.0, None, 5.0], 2)
    [5.0, 3.0, 5.0]
    """
    found: list[float | None] = []
    for begin in range(0, len(values), width):
        some = [value for value in values[begin : begin + width] if value is not None]
        found.append(sum(some) / len(some) if some else None)
    return found
