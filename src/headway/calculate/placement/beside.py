"""Whether all of some fit beside one another in a number of places, in whatever order."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

_TRIES_MAX = 4000
"""They take some 10 ms, in which nothing else is done."""


class Tries:
    """How often more it may be tried whether something fits somewhere."""

    def __init__(self, most: int = _TRIES_MAX) -> None:
        self.left = most

    @property
    def are_spent(self) -> bool:
        """Whether it is not known, and counts as possible."""
        return self.left <= 0


class Shape(NamedTuple):
    """What a place may be: what it has, and which kinds it takes at all."""

    sizes: tuple[int, ...]
    takes: frozenset[int]


class Slot(NamedTuple):
    """Some places, each of which is to become one of several shapes."""

    shapes: tuple[Shape, ...]
    most: int


class Kind(NamedTuple):
    """Some that are alike."""

    amounts: tuple[int, ...]
    """As many as there are sizes."""
    wanted: int
    is_single: bool = False
    """No two of them are in one place."""


_Place = tuple[int, tuple[int, ...]]
"""The number of its slot, and how many of each kind are there."""


def fit_beside(kinds: Sequence[Kind], slots: Sequence[Slot], tries: Tries | None = None) -> bool:
    """Say whether all fit; also where that is not known when all tries are spent.

    >>> shape = Shape((4,), frozenset((0, 1)))
    >>> fit_beside([Kind((2,), 1), Kind((3,), 2)], [Slot((shape,), 2)])
    False
    >>> fit_beside([Kind((2,), 2), Kind((3,), 1)], [Slot((shape,), 2)])
    True
    """
    if any(most_of(number, kind, slots) < kind.wanted for number, kind in enumerate(kinds)):
        return False
    return _Search(kinds, slots, tries or Tries()).finds()


def most_of(number: int, kind: Kind, slots: Sequence[Slot]) -> int:
    """Count how many of a kind fit, were nothing else there; no more than there are."""
    total = 0
    for slot in slots:
        total += slot.most * max((_times(number, kind, shape) for shape in slot.shapes), default=0)
        if total >= kind.wanted:
            return kind.wanted
    return total


def _times(number: int, kind: Kind, shape: Shape) -> int:
    if number not in shape.takes:
        return 0
    shares = (size // one for size, one in zip(shape.sizes, kind.amounts, strict=True) if one > 0)
    times = max(0, min(shares, default=kind.wanted))
    return min(times, 1) if kind.is_single else times


class _Search:
    """Goes on with what needs most; the first way is that of first fit, and mostly finds room."""

    def __init__(self, kinds: Sequence[Kind], slots: Sequence[Slot], tries: Tries) -> None:
        self._kinds = kinds
        self._slots = slots
        self._tries = tries
        tops = [max((kind.amounts[axis] for kind in kinds), default=0) for axis in self._axes]
        shares = [
            max((one / top for one, top in zip(kind.amounts, tops, strict=True) if top), default=0)
            for kind in kinds
        ]
        order = sorted(range(len(kinds)), key=lambda number: -shares[number])
        self._items = [number for number in order for _ in range(kinds[number].wanted)]
        self._fitting: dict[_Place, bool] = {}

    @property
    def _axes(self) -> range:
        return range(len(self._kinds[0].amounts)) if self._kinds else range(0)

    def finds(self) -> bool:
        seen: set[tuple[_Place, ...]] = set()
        ways: list[Iterator[tuple[_Place, ...]]] = [iter([()])]
        """What is left to look at: the start, ways to place the first, the second, and so on."""
        while ways:
            if self._tries.are_spent:
                return True
            state = next(ways[-1], None)
            if state is None:
                ways.pop()
            elif len(ways) > len(self._items):
                return True
            elif state not in seen:
                seen.add(state)
                ways.append(self._filled(state, self._items[len(ways) - 1]))
        return False

    def _filled(self, state: tuple[_Place, ...], number: int) -> Iterator[tuple[_Place, ...]]:
        """Give each way to put one more, as long as there are tries: where others are first."""
        for at, place in enumerate(state):
            if at and place == state[at - 1]:  # they are sorted
                continue
            slot, loads = place
            more = slot, _one_more(loads, number)
            if self._fits(more):
                yield tuple(sorted((*state[:at], *state[at + 1 :], more)))
        taken = Counter(slot for slot, _ in state)
        for slot, row in enumerate(self._slots):
            if taken[slot] < row.most:
                first = slot, _one_more((0,) * len(self._kinds), number)
                if self._fits(first):
                    yield tuple(sorted((*state, first)))

    def _fits(self, place: _Place) -> bool:
        self._tries.left -= 1
        known = self._fitting.get(place)
        if known is None:
            slot, loads = place
            known = any(self._becomes(shape, loads) for shape in self._slots[slot].shapes)
            self._fitting[place] = known
        return known

    def _becomes(self, shape: Shape, loads: Sequence[int]) -> bool:
        self._tries.left -= 1
        return self._holds(shape, loads)

    def _holds(self, shape: Shape, loads: Sequence[int]) -> bool:
        there = {number: count for number, count in enumerate(loads) if count}
        if any(count > 1 and self._kinds[number].is_single for number, count in there.items()):
            return False
        return shape.takes.issuperset(there) and all(
            self._sum(there, axis) <= size for axis, size in enumerate(shape.sizes)
        )

    def _sum(self, there: Mapping[int, int], axis: int) -> int:
        return sum(count * self._kinds[number].amounts[axis] for number, count in there.items())


def _one_more(loads: Sequence[int], number: int) -> tuple[int, ...]:
    return (*loads[:number], loads[number] + 1, *loads[number + 1 :])
