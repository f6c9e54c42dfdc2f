"""Figures over time."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from headway.api.answers import Json, answers
from headway.api.scope import TheWorld
from headway.calculate.series import FOLD, FOLDS
from headway.control.queries import figure_views
from headway.control.queries.figure_views import HOUR_S, FigureQuestion
from headway.model.figures import FiguresView, Measure

router = APIRouter(tags=["figures"])
_MOST_S = 300.0 * FOLD * FOLDS
"""All that is kept where a step is as long as settings allow."""
Name = Annotated[str | None, Query(min_length=1, max_length=100)]


@router.get("/figures", responses=answers(FiguresView))
async def show_figures(
    world: TheWorld,
    node: Name = None,
    environment: Name = None,
    app: Name = None,
    release: Annotated[int | None, Query(ge=1, le=2**31)] = None,
    queue: Name = None,
    job: Name = None,
    measure: Annotated[Sequence[Measure], Query(max_length=10)] = (),
    over_s: Annotated[float, Query(gt=0, le=_MOST_S, allow_inf_nan=False)] = HOUR_S,
    since: AwareDatetime | None = None,
) -> Json:
    """Give what was measured lately of a node, of an app, or of everything.

    An app's are of all its releases together; with `release`, of one of them, with `queue` or
    `job`, of its runs. The last 360 steps are given as they are, what is longer ago in means of 30
    steps. With `since` only what has come since then, its own step included.
    """
    question = FigureQuestion(
        node=node,
        environment=environment,
        app=app,
        release=release,
        queue=queue,
        job=job,
        measures=tuple(measure),
        over_s=over_s,
        since=since,
    )
    return Json(await figure_views.shown(world, question))
