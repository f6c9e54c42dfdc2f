"""The event log, and the reasons in it."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from headway.api.answers import Json, answers
from headway.api.scope import TheWorld
from headway.api.streams import HEARTBEAT_S, Heartbeat, sse, wants_events
from headway.control.pool import pools
from headway.control.queries import events, why
from headway.control.rollout import plans
from headway.model.event import Event
from headway.model.view.change import PlannedChange
from headway.model.view.why import Why

_DIGITS = 19
router = APIRouter(tags=["events"])


@router.get("/events", responses=answers(list[Event]))
async def list_events(
    request: Request,
    world: TheWorld,
    after: Annotated[int | None, Query(ge=0, le=2**62)] = None,
    environment: str | None = None,
    app: str | None = None,
    subject: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    heartbeat: Heartbeat = HEARTBEAT_S,
) -> Response:
    """List events behind a sequence; as server-sent events, go on with every new one.

    A stream resumes behind `Last-Event-ID`, else behind `after`, else with what comes. While
    nothing does, it has a comment every `heartbeat` seconds.
    """
    if wants_events(request):
        last = request.headers.get("last-event-id", "")
        start = int(last) if last.isascii() and last.isdigit() and len(last) < _DIGITS else after
        stream = events.follow(
            world, after=start, environment=environment, app=app, subject=subject
        )
        return sse(
            request,
            stream,
            lambda event: str(event.sequence),
            lambda event: event.kind,
            heartbeat_s=heartbeat,
        )
    return Json(
        await events.page(
            world,
            after=after or 0,
            environment=environment,
            app=app,
            subject=subject,
            limit=limit,
            newest_first=after is None,
        )
    )


@router.get("/why", responses=answers(Why))
async def explain(
    request: Request,
    world: TheWorld,
    thing: str,
    environment: str | None = None,
    app: str | None = None,
) -> Json:
    """Say why something is as it is."""
    dispatch = request.app.state.heart.dispatch
    return Json(await why.explain(world, dispatch, thing, environment, app))


@router.get("/plan", responses=answers(list[PlannedChange]))
async def upcoming(request: Request, world: TheWorld, environment: str | None = None) -> Json:
    """Say what would be done next if nothing else happened; to pools if no environment is named."""
    found = await plans.upcoming(world, environment)
    if environment is None:
        found += await pools.upcoming(world, request.app.state.heart.pools)
    return Json(found)
