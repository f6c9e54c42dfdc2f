"""Log lines: of one container, or of an environment merged."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, StringConstraints

from headway.api.answers import streams
from headway.api.scope import Environment, Identity, TheWorld
from headway.api.streams import HEARTBEAT_S, Heartbeat, lines, sse, wants_events
from headway.control.queries import logs
from headway.control.requests import LogQuestion
from headway.model.ids import AppName, ContainerId
from headway.model.view.log import LogEntry

router = APIRouter(tags=["logs"])
Tail = Annotated[int | None, Query(ge=0, le=100_000)]
After = Annotated[int, Query(ge=0, le=2**62)]

Names = Annotated[Sequence[str], Query(max_length=200)]
Position = Annotated[str, StringConstraints(pattern=r"^[^:]{1,100}:[0-9]{1,18}$")]


def _position(text: str) -> tuple[ContainerId, int]:
    container, _, cursor = text.partition(":")
    return ContainerId(container), int(cursor)


def _identity(entry: LogEntry) -> str:
    return f"{entry.container}:{entry.line.cursor}"


@router.get("/environments/{environment}/logs", responses=streams(LogEntry))
async def environment_logs(
    request: Request,
    world: TheWorld,
    environment: Environment,
    app: Names = (),
    container: Names = (),
    process: str | None = None,
    tail: Tail = 100,
    since: AwareDatetime | None = None,
    follow: bool = False,
    heartbeat: Heartbeat = HEARTBEAT_S,
    after: Annotated[list[Position], Query(max_length=500)] = [],  # noqa: B006
) -> StreamingResponse:
    """Give the lines of an environment's containers; with `follow`, as they are written.

    `after` follows on where an earlier stream broke off: `CONTAINER:CURSOR` of the last line seen
    of each container. Of the others come the lines from `since` on; without it, those that are
    newer than all of these.
    """
    question = LogQuestion(
        apps=tuple(AppName(name) for name in app),
        containers=tuple(ContainerId(identity) for identity in container),
        process=process,
        tail=tail,
        since=since,
        follow=follow,
        after=dict(_position(text) for text in after),
    )
    entries = await logs.merged(world, environment, question)
    if wants_events(request):
        return sse(request, entries, _identity, heartbeat_s=heartbeat)
    return lines(request, entries)


@router.get("/containers/{container}/logs", responses=streams(LogEntry))
async def container_logs(
    request: Request,
    world: TheWorld,
    container: Identity,
    after: After = 0,
    tail: Tail = None,
    follow: bool = False,
) -> StreamingResponse:
    """Give one container's lines."""
    entries = await logs.container(world, container, after=after, tail=tail, follow=follow)
    return lines(request, entries)
