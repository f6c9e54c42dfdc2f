"""Builds, and what they wrote."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from headway.api.answers import Json, answers, streams
from headway.api.logs import After, Tail
from headway.api.scope import Identity, TheWorld
from headway.api.streams import lines
from headway.control import builds
from headway.control.queries import logs
from headway.model.build import Build
from headway.model.view.log import LogEntry
from headway.model.view.page import Page

router = APIRouter(tags=["builds"])


@router.get("/builds", responses=answers(Page))
async def list_builds(
    world: TheWorld,
    app: str | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    before: str | None = None,
) -> Json:
    """List builds, newest first: of an app, or of all."""
    return Json(await builds.listing(world, app, limit, before))


@router.get("/builds/{build}", responses=answers(Build))
async def get_build(world: TheWorld, build: Identity) -> Json:
    """Give a build."""
    return Json(await builds.one(world, build))


@router.get("/builds/{build}/logs", responses=streams(LogEntry))
async def build_logs(
    request: Request,
    world: TheWorld,
    build: Identity,
    after: After = 0,
    tail: Tail = None,
    follow: bool = False,
) -> StreamingResponse:
    """Give a build's lines."""
    entries = await logs.build(world, build, after=after, tail=tail, follow=follow)
    return lines(request, entries)
