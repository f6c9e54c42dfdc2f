"""Figures over time: nothing is lost that should be kept, nothing is kept beyond its bound."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.calculate.series import (
    FOLD,
    FOLDS,
    STEPS,
    Ring,
    Series,
    folded,
    summed,
    weighed,
)

VALUE = st.floats(0, 1e6, width=32)
GAPS = st.lists(st.tuples(st.integers(1, 40), VALUE), max_size=120)
FIRST = st.integers(0, 2**40)
CELL = st.none() | st.floats(0, 1e6)


def noted(first: int, gaps: list[tuple[int, float]]) -> dict[int, float]:
    """Values by their steps, some of which were left out."""
    found, step = {}, first
    for gap, value in gaps:
        step += gap
        found[step] = value
    return found


@given(FIRST, GAPS, st.integers(1, 50))
def test_a_ring_gives_the_last_steps_as_they_were_and_nothing_else(first, gaps, size) -> None:
    ring, known = Ring(size), noted(first, gaps)
    for step, value in known.items():
        ring.put(step, value)
    last = max(known, default=first)
    for step in range(last - 2 * size, last + 3):
        kept = known.get(step) if last - size < step <= last else None
        assert ring.get(step) == kept


@given(FIRST, GAPS)
def test_a_series_gives_steps_as_they_were_and_before_them_their_means(first, gaps) -> None:
    series, known = Series(), noted(first, gaps)
    for step, value in known.items():
        series.note(step, value)
    last = max(known, default=first)
    begin = last - STEPS + 1
    assert series.steps(begin, last + 1) == [known.get(step) for step in range(begin, last + 1)]
    bucket = last // FOLD
    for number, mean in enumerate(series.means(bucket - FOLDS + 1, bucket + 1)):
        at = (bucket - FOLDS + 1 + number) * FOLD
        values = [known[step] for step in range(at, at + FOLD) if step in known]
        if values:
            assert mean == pytest.approx(sum(values) / len(values), rel=1e-5, abs=1e-5)
        else:
            assert mean is None


@given(FIRST, GAPS, st.integers(0, 100), VALUE)
def test_what_comes_late_changes_nothing(first, gaps, late, value) -> None:
    series, known = Series(), noted(first, [(1, 1.0), *gaps])
    for step, one in known.items():
        series.note(step, one)
    last = max(known)
    before = series.steps(last - 50, last + 1), series.means(last // FOLD - 3, last // FOLD + 1)
    series.note(last - late, value)
    after = series.steps(last - 50, last + 1), series.means(last // FOLD - 3, last // FOLD + 1)
    assert before == after


def test_a_series_that_goes_on_for_a_week_takes_three_kilobytes() -> None:
    series = Series()
    for step in range(7 * 24 * 360):
        series.note(step, float(step))
    held = [ring._cells for ring in (series._steps, series._means)]
    assert all(isinstance(cells, array) for cells in held)
    assert sum(len(cells) * cells.itemsize for cells in held) <= 3_000


@given(st.lists(st.lists(CELL, min_size=4, max_size=4), min_size=1, max_size=5))
def test_a_sum_of_series_is_that_of_what_is_known(rows) -> None:
    for column, total in zip(zip(*rows, strict=True), summed(rows), strict=True):
        known = [value for value in column if value is not None]
        assert total == (sum(known) if known else None)


WEIGHT = CELL.filter(lambda value: not value or value > 1e-100)
"""Counted requests: not so little that its product with anything is none."""


@given(st.lists(st.tuples(CELL, WEIGHT), min_size=1, max_size=5))
def test_a_mean_of_series_lies_between_them(pairs) -> None:
    (mean,) = weighed([[value] for value, _ in pairs], [[weight] for _, weight in pairs])
    known = [value for value, weight in pairs if value is not None and weight]
    if not known:
        assert mean is None
    else:
        assert mean is not None
        assert mean == pytest.approx(min(max(mean, min(known)), max(known)))


@given(st.lists(CELL, max_size=400), st.integers(1, 100))
def test_means_of_neighbours_lie_between_them(values, width) -> None:
    means = folded(values, width)
    assert len(means) == -(-len(values) // width)
    for place, mean in enumerate(means):
        known = [v for v in values[place * width : (place + 1) * width] if v is not None]
        assert (mean is None) == (not known)
        if mean is not None:
            assert min(known) - 1e-6 <= mean <= max(known) + 1e-6
