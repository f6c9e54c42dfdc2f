"""Log lines: of one container, of a build, or of an environment merged."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from headway.api.answers import Json, answers
from headway.api.scope import Environment, Identity, TheWorld
from headway.api.streams import lines, sse
from headway.control import builds, containers, environments, logs
from headway.control.requests import LogQuestion
from headway.model.build import Build
from headway.model.ids import AppName, ContainerId
from headway.model.view import LogEntry

router = APIRouter(tags=["logs"])
Tail = Annotated[int | None, Query(ge=0, le=100_000)]
After = Annotated[int, Query(ge=0, le=2**62)]


def _identity(entry: LogEntry) -> str:
    return f"{entry.container}:{entry.line.cursor}"


@router.get("/environments/{environment}/logs", responses=answers(LogEntry))
async def environment_logs(
    request: Request,
    world: TheWorld,
    environment: Environment,
    app: str | None = None,
    process: str | None = None,
    container: str | None = None,
    tail: Tail = 100,
    since: datetime | None = None,
    follow: bool = False,
) -> StreamingResponse:
    """Give the lines of an environment's containers; with `follow`, as they are written."""
    await environments.one(world, environment)
    question = LogQuestion(
        app=AppName(app) if app else None,
        process=process,
        container=ContainerId(container) if container else None,
        tail=tail,
        since=since,
        follow=follow,
    )
    entries = logs.merged(world, environment, question)
    if "text/event-stream" in request.headers.get("accept", ""):
        return sse(request, entries, _identity)
    return lines(request, entries)


@router.get("/containers/{container}/logs", responses=answers(LogEntry))
async def container_logs(
    request: Request,
    world: TheWorld,
    container: Identity,
    after: After = 0,
    tail: Tail = None,
    follow: bool = False,
) -> StreamingResponse:
    """Give one container's lines."""
    await containers.one(world, container)
    return lines(request, logs.container(world, container, after=after, tail=tail, follow=follow))


@router.get("/builds/{build}", responses=answers(Build))
async def get_build(world: TheWorld, build: Identity) -> Json:
    """Give a build."""
    return Json(await builds.one(world, build))


@router.get("/builds/{build}/logs", responses=answers(LogEntry))
async def build_logs(
    request: Request,
    world: TheWorld,
    build: Identity,
    after: After = 0,
    tail: Tail = None,
    follow: bool = False,
) -> StreamingResponse:
    """Give a build's lines."""
    await builds.one(world, build)
    return lines(request, logs.build(world, build, after=after, tail=tail, follow=follow))
