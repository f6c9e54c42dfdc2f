"""What was measured lately, as pages show it."""

from datetime import timedelta

import msgspec

from headway.calculate.series import STEPS, folded
from headway.control import lookup
from headway.model.figures import FiguresView, Measure, Subject
from headway.model.ids import AppName
from headway.model.value import Value
from headway.web.links import query
from headway.web.page import Ask
from headway.web.pictures.spark import Spark

_POINTS = 60


class Lately(Value, kw_only=True):
    """Figures of one thing, in as many steps as a small picture has room for."""

    figures: FiguresView
    hour_s: float
    """How long the shorter of the two lengths of time is that can be asked for, and the longer."""
    day_s: float
    is_day: bool = False
    url: str = ""
    """Where they are given step by step."""

    @property
    def over_s(self) -> float:
        """How far back they go."""
        return self.day_s if self.is_day else self.hour_s

    @property
    def sparks(self) -> tuple[Spark, ...]:
        """They, as they are drawn."""
        return sparks(self.figures)


def sparks(figures: FiguresView) -> tuple[Spark, ...]:
    """Give figures as they are drawn small."""
    return tuple(
        Spark(name=line.measure.value, unit=line.unit, values=line.values, step_s=figures.step_s)
        for line in figures.lines
    )


def lately(ask: Ask, subject: Subject, **names: str | int | None) -> Lately:
    """Give figures of the last hour, or of the last day where that is asked for.

    Args:
        ask: What is asked of the page; `over=day` is what it may be asked.
        subject: Of what.
        names: The same, as the API is asked for it.
    """
    known, is_day = ask.world.figures, ask.query.get("over") == "day"
    hour_s = known.step_s * STEPS
    over_s = known.whole_s if is_day else hour_s
    return Lately(
        figures=small(ask, subject, over_s=over_s),
        hour_s=hour_s,
        day_s=known.whole_s,
        is_day=is_day,
        url=query("/v1/figures", **names, over_s=round(over_s)),
    )


async def of_app(
    ask: Ask, owner: str, app: str, *, queue: str | None = None, job: str | None = None
) -> Subject:
    """Name an app in an environment, or one of its queues or jobs.

    Raises:
        NotFound: There is no such environment.
    """
    identity = await ask.world.store.read(lambda reader: lookup.standing(reader, owner).id)
    return Subject(environment=identity, app=AppName(app), queue=queue, job=job)


def small(
    ask: Ask,
    subject: Subject,
    measures: tuple[Measure, ...] = (),
    *,
    over_s: float | None = None,
) -> FiguresView:
    """Give figures in few steps, of the last hour unless something else is said."""
    known = ask.world.figures
    view = known.view(subject, ask.now, over_s or known.step_s * STEPS, measures=measures)
    return thinned(view, _POINTS)


def thinned(view: FiguresView, most: int) -> FiguresView:
    """Give figures in at most so many steps, each a mean. They do not shift as time goes on."""
    count = len(view.lines[0].values) if view.lines else 0
    width = max(1, -(-count // most))
    late = -round(view.begin.timestamp() / view.step_s) % width
    return msgspec.structs.replace(
        view,
        begin=view.begin + timedelta(seconds=late * view.step_s),
        step_s=view.step_s * width,
        lines=tuple(
            msgspec.structs.replace(line, values=tuple(folded(line.values[late:], width)))
            for line in view.lines
        ),
    )
