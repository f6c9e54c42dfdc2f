"""Schedules."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from headway.api.answers import Json, answers
from headway.api.scope import Actor, Environment, TheWorld, dispatch_of, done_once
from headway.control.runs import schedules
from headway.control.runs.scheduling import Schedules
from headway.model.run import Run
from headway.model.view.schedule import ScheduleView

router = APIRouter(tags=["jobs"])


def _schedules(request: Request) -> Schedules:
    found: Schedules = request.app.state.heart.schedules
    return found


@router.get("/schedules", responses=answers(list[ScheduleView]))
async def list_schedules(
    world: TheWorld,
    environment: str | None = None,
    count: Annotated[int, Query(ge=0, le=100)] = 5,
) -> Json:
    """List schedules with their next times."""
    return Json(await schedules.listing(world, environment, count))


@router.post("/environments/{environment}/schedules/{schedule:path}/run", responses=answers(Run))
async def run_schedule(
    request: Request, world: TheWorld, actor: Actor, environment: Environment, schedule: str
) -> Json:
    """Make a run of a schedule's job now, with its parameters. Its times stay as they are."""
    dispatch = dispatch_of(request)
    return await done_once(
        request, lambda: schedules.run(world, dispatch, actor, environment, schedule)
    )


@router.post(
    "/environments/{environment}/schedules/{schedule:path}/pause", responses=answers(ScheduleView)
)
async def pause_schedule(
    request: Request, world: TheWorld, actor: Actor, environment: Environment, schedule: str
) -> Json:
    """Have no time of a schedule make a run until it is resumed."""
    loop = _schedules(request)
    return await done_once(
        request, lambda: schedules.pause(world, loop, actor, environment, schedule)
    )


@router.post(
    "/environments/{environment}/schedules/{schedule:path}/resume", responses=answers(ScheduleView)
)
async def resume_schedule(
    request: Request, world: TheWorld, actor: Actor, environment: Environment, schedule: str
) -> Json:
    """Have a schedule go on. Times that came meanwhile make no runs."""
    loop = _schedules(request)
    return await done_once(
        request, lambda: schedules.resume(world, loop, actor, environment, schedule)
    )
