"""Runs of jobs."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from headway.api.answers import Json, answers, streams
from headway.api.requests import AgainBody, DeadBody
from headway.api.scope import (
    Actor,
    Identity,
    TheWorld,
    dispatch_of,
    done_once,
    permitted,
)
from headway.api.streams import lines
from headway.control import glance
from headway.control.queries import logs
from headway.control.requests import DeadQuestion, RunQuestion
from headway.control.runs import replays, runs
from headway.model.ids import environment_name
from headway.model.run import Run, RunState
from headway.model.view.dead import Emptied, Replayed
from headway.model.view.log import LogEntry
from headway.model.view.run import FailedRuns, RunPage, RunView

router = APIRouter(tags=["jobs"])
Pairs = Annotated[Sequence[str], Query(max_length=20)]


@router.get("/runs", responses=answers(RunPage))
async def list_runs(
    request: Request,
    world: TheWorld,
    environment: str | None = None,
    app: str | None = None,
    job: str | None = None,
    queue: str | None = None,
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
        queue=queue,
        state=tuple(state),
        tags=_pairs(tag),
        parameters=_pairs(parameter),
        since=since,
        until=until,
        before=before,
        limit=limit,
    )
    return Json(await runs.page(world, dispatch_of(request), question))


@router.get("/runs/failed", responses=answers(tuple[FailedRuns, ...]))
async def list_failed(request: Request, world: TheWorld, environment: str | None = None) -> Json:
    """List jobs whose runs failed lately and are not made again; what is well since is last."""
    found = await glance.failed(world, dispatch_of(request))
    return Json(tuple(row for row in found if environment in (None, row.environment)))


@router.get("/runs/{run}", responses=answers(RunView))
async def get_run(request: Request, world: TheWorld, run: Identity) -> Json:
    """Give a run: its attempts, its result, how far it is, or why it waits."""
    view = await runs.view(world, dispatch_of(request), run)
    permitted(request, view.environment)
    return Json(view)


@router.post("/runs/{run}/cancel", responses=answers(Run))
async def cancel_run(request: Request, world: TheWorld, actor: Actor, run: Identity) -> Json:
    """Have a run end: at once where it has not begun, else by SIGTERM and then SIGKILL."""
    dispatch = dispatch_of(request)
    return await done_once(request, lambda: runs.cancel(world, dispatch, actor, run))


@router.post("/runs/{run}/again", responses=answers(Run))
async def run_again(
    request: Request, world: TheWorld, actor: Actor, run: Identity, body: AgainBody
) -> Json:
    """Make a new run like one that has ended; one on the dead-letter list leaves it."""
    given: Any = body.parameters
    parameters = None if given is None else msgspec.Raw(msgspec.json.encode(given))
    dispatch = dispatch_of(request)
    return await done_once(request, lambda: replays.again(world, dispatch, actor, run, parameters))


@router.post("/runs/dead/replay", responses=answers(Replayed))
async def replay_dead(request: Request, world: TheWorld, actor: Actor, body: DeadBody) -> Json:
    """Make runs on the dead-letter list again, in one transaction; what cannot be stays on it."""
    dispatch, question = dispatch_of(request), _dead(body)
    return await done_once(request, lambda: replays.replay(world, dispatch, actor, question))


@router.post("/runs/dead/empty", responses=answers(Emptied))
async def empty_dead(request: Request, world: TheWorld, actor: Actor, body: DeadBody) -> Json:
    """Take runs off the dead-letter list, in one transaction; they are kept as failed."""
    question = _dead(body)
    return await done_once(request, lambda: replays.empty(world, actor, question))


def _dead(body: DeadBody) -> DeadQuestion:
    return msgspec.convert(body.model_dump(), DeadQuestion)


@router.delete("/runs/{run}/dead", responses=answers(Run))
async def forget_dead(request: Request, world: TheWorld, actor: Actor, run: Identity) -> Json:
    """Take a run off the dead-letter list; it is kept as failed."""
    return await done_once(request, lambda: replays.forget_dead(world, actor, run))


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
    permitted(request, environment_name(row.environment))
    entries = await logs.run(world, run, attempt=attempt, after=after, tail=tail, follow=follow)
    return lines(request, entries)


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    return {key: value for key, _, value in (text.partition("=") for text in texts)}
