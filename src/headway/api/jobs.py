"""Jobs, their runs, queues and schedules."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from headway.api.answers import Json, answers, described, streams
from headway.api.requests import AgainBody, HoldBody
from headway.api.scope import Actor, App, Environment, Identity, TheWorld, done_once
from headway.api.streams import lines
from headway.control import jobs, logs, queues, runs, schedules
from headway.control.dispatch import Dispatch
from headway.control.errors import Invalid, NotAllowed
from headway.control.invoking import invoke
from headway.control.requests import Invocation, RunQuestion
from headway.control.scheduling import Schedules
from headway.model.ids import environment_name
from headway.model.problem import Problem
from headway.model.queue import QueueHold
from headway.model.run import Run, RunState
from headway.model.view import (
    Invoked,
    JobView,
    LogEntry,
    QueueView,
    RunPage,
    RunView,
    ScheduleView,
)

router = APIRouter(tags=["jobs"])
Pairs = Annotated[Sequence[str], Query(max_length=20)]


class InvokeBody(Invocation, kw_only=True):
    """Make a run, or with `runs` many."""

    environment: str = ""
    """A container may leave it out: it is its own."""
    app: str | None = None
    runs: list[Invocation] | None = None


def _dispatch(request: Request) -> Dispatch:
    dispatch: Dispatch = request.app.state.heart.dispatch
    return dispatch


def _schedules(request: Request) -> Schedules:
    found: Schedules = request.app.state.heart.schedules
    return found


@router.get("/jobs", responses=answers(list[JobView]))
async def list_jobs(
    request: Request, world: TheWorld, environment: str | None = None, app: str | None = None
) -> Json:
    """List jobs, of one environment or of all."""
    return Json(await jobs.listing(world, _dispatch(request), environment, app))


@router.get("/jobs/{job:path}", responses=answers(JobView))
async def get_job(
    request: Request, world: TheWorld, job: str, environment: str, app: str | None = None
) -> Json:
    """Give a job, by its name or by `app/name`."""
    return Json(await jobs.one(world, _dispatch(request), environment, job, app))


@router.post(
    "/jobs/{job:path}/runs", responses=answers(Invoked), openapi_extra=described(InvokeBody)
)
async def invoke_job(request: Request, world: TheWorld, actor: Actor, job: str) -> Json:
    """Make runs of a job. With an `id` of the sender's own, asking again makes no second run."""
    try:
        body = msgspec.json.decode(await request.body(), type=InvokeBody)
    except msgspec.DecodeError as error:
        problem = Problem(message=str(error))
        raise Invalid("request-invalid", f"the request: {error}", problems=(problem,)) from error
    rows = await invoke(
        world,
        _dispatch(request),
        actor,
        _permitted(request, body.environment),
        job,
        [body] if body.runs is None else body.runs,
        app=body.app,
    )
    return Json(Invoked(ids=tuple(row.id for row in rows), states=tuple(row.state for row in rows)))


def _permitted(request: Request, environment: str) -> str:
    """Give the environment that is asked for, which for a container is its own.

    Raises:
        NotAllowed: It is another's.
    """
    own: str | None = request.state.environment
    if own is not None and environment not in ("", own):
        raise NotAllowed("not-allowed", f"a container of {own} cannot ask for {environment}")
    return own or environment


@router.get("/runs", responses=answers(RunPage))
async def list_runs(
    world: TheWorld,
    environment: str | None = None,
    app: str | None = None,
    job: str | None = None,
    state: Annotated[list[RunState], Query(max_length=20)] = [],  # noqa: B006
    tag: Pairs = (),
    parameter: Pairs = (),
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    before: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Json:
    """List runs, newest first. `tag` and `parameter` are `NAME=VALUE`, and all must hold."""
    question = RunQuestion(
        environment=environment,
        app=app,
        job=job,
        state=tuple(state),
        tags=_pairs(tag),
        parameters=_pairs(parameter),
        since=since,
        until=until,
        before=before,
        limit=limit,
    )
    return Json(await runs.listing(world, question))


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    return {key: value for key, _, value in (text.partition("=") for text in texts)}


@router.get("/runs/{run}", responses=answers(RunView))
async def get_run(request: Request, world: TheWorld, run: Identity) -> Json:
    """Give a run: its attempts, its result, how far it is, or why it waits."""
    view = await runs.view(world, _dispatch(request), run)
    _permitted(request, view.environment)
    return Json(view)


@router.post("/runs/{run}/cancel", responses=answers(Run))
async def cancel_run(request: Request, world: TheWorld, actor: Actor, run: Identity) -> Json:
    """Have a run end: at once where it has not begun, else by SIGTERM and then SIGKILL."""
    dispatch = _dispatch(request)
    return await done_once(request, lambda: runs.cancel(world, dispatch, actor, run))


@router.post("/runs/{run}/again", responses=answers(Run))
async def run_again(
    request: Request, world: TheWorld, actor: Actor, run: Identity, body: AgainBody
) -> Json:
    """Make a new run like one that has ended; one on the dead-letter list leaves it."""
    given: Any = body.parameters
    parameters = None if given is None else msgspec.Raw(msgspec.json.encode(given))
    dispatch = _dispatch(request)
    return await done_once(request, lambda: runs.again(world, dispatch, actor, run, parameters))


@router.delete("/runs/{run}/dead", responses=answers(Run))
async def forget_dead(request: Request, world: TheWorld, actor: Actor, run: Identity) -> Json:
    """Take a run off the dead-letter list; it is kept as failed."""
    return await done_once(request, lambda: runs.forget_dead(world, actor, run))


@router.get("/runs/{run}/logs", responses=streams(LogEntry))
async def run_logs(
    request: Request,
    world: TheWorld,
    run: Identity,
    attempt: Annotated[int | None, Query(ge=1, le=1000)] = None,
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    tail: Annotated[int | None, Query(ge=0, le=100_000)] = None,
    follow: bool = False,
) -> StreamingResponse:
    """Give what an attempt wrote, the newest attempt when none is said."""
    row = await runs.one(world, run)
    _permitted(request, environment_name(row.environment))
    entries = await logs.run(world, run, attempt=attempt, after=after, tail=tail, follow=follow)
    return lines(request, entries)


@router.get("/queues", responses=answers(list[QueueView]))
async def list_queues(request: Request, world: TheWorld, environment: str | None = None) -> Json:
    """List queues: how many wait and run, and what people said of them."""
    return Json(await queues.listing(world, _dispatch(request), environment))


@router.put(
    "/environments/{environment}/apps/{app}/queues/{queue}/hold", responses=answers(QueueHold)
)
async def hold_queue(
    request: Request,
    world: TheWorld,
    actor: Actor,
    environment: Environment,
    app: App,
    queue: Identity,
    body: HoldBody,
) -> Json:
    """Pause a queue, drain it, or with neither let it go on."""
    dispatch = _dispatch(request)
    return await done_once(
        request,
        lambda: queues.hold(
            world,
            dispatch,
            actor,
            environment,
            app,
            queue,
            paused=body.paused,
            draining=body.draining,
            because=body.reason,
        ),
    )


@router.get("/schedules", responses=answers(list[ScheduleView]))
async def list_schedules(
    world: TheWorld,
    environment: str | None = None,
    count: Annotated[int, Query(ge=0, le=100)] = 5,
) -> Json:
    """List schedules with their next times."""
    return Json(await schedules.listing(world, environment, count))


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
