"""Figures as pages show them: few steps, which do not shift as time goes on."""

from datetime import UTC, datetime, timedelta

from headway.model.figures import FigureLine, FiguresView, Measure
from headway.web.lately import sparks, thinned

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def figures(begin: datetime, *values: float | None, step_s: float = 10) -> FiguresView:
    line = FigureLine(measure=Measure.CPU, unit="cores", values=values)
    return FiguresView(begin=begin, step_s=step_s, lines=(line,))


def test_few_steps_are_means_of_many():
    view = thinned(figures(NOON, *range(60)), 10)
    assert (view.begin, view.step_s) == (NOON, 60)
    assert view.lines[0].values == (2.5, 8.5, 14.5, 20.5, 26.5, 32.5, 38.5, 44.5, 50.5, 56.5)


def test_a_step_is_the_same_whenever_it_is_looked_at():
    early = thinned(figures(NOON, *range(60)), 10)
    late = thinned(figures(NOON + timedelta(seconds=20), *range(2, 62)), 10)
    assert late.begin == NOON + timedelta(seconds=60)
    assert late.lines[0].values[:9] == early.lines[0].values[1:]


def test_few_steps_stay_as_they_are():
    view = figures(NOON, 1.0, None, 2.0)
    assert thinned(view, 10) == view


def test_a_sparkline_is_called_what_it_measures():
    (row,) = sparks(figures(NOON, 1.0, None))
    assert (row.name, row.unit, row.values, row.step_s) == ("cpu", "cores", (1.0, None), 10)
