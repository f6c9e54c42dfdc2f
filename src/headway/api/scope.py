"""What every endpoint has at hand: the world, who asks, and the answer's form."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Path, Request

from headway.api.answers import Json
from headway.control.errors import NotAllowed
from headway.control.idempotency import once
from headway.control.runs.dispatch import Dispatch
from headway.control.world import World

Environment = Annotated[str, Path(min_length=1, max_length=60, description="The environment.")]
App = Annotated[str, Path(min_length=1, max_length=40, description="The app.")]
Identity = Annotated[str, Path(min_length=1, max_length=100)]


def world_of(request: Request) -> World:
    """Give the world that the application speaks of."""
    world: World = request.app.state.world
    return world


def actor_of(request: Request) -> str:
    """Say who asks."""
    return str(request.state.actor)


# FastAPI gives what is not async to a thread, at each request.


async def _the_world(request: Request) -> World:
    return world_of(request)


async def _actor(request: Request) -> str:
    return actor_of(request)


TheWorld = Annotated[World, Depends(_the_world)]
Actor = Annotated[str, Depends(_actor)]


async def done_once(request: Request, deed: Callable[[], Awaitable[Any]]) -> Json:
    """Do what a request asks, once for each Idempotency-Key."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return Json(await deed())

    async def encoded() -> bytes:
        return msgspec.json.encode(await deed())

    body = await request.body()
    meaning = f"{request.method} {request.url.path}?{request.url.query}\n".encode() + body
    answer = await once(world_of(request), actor_of(request), key, meaning, encoded)
    return Json(msgspec.Raw(answer))


def dispatch_of(request: Request) -> Dispatch:
    """Give the loop over runs."""
    dispatch: Dispatch = request.app.state.heart.dispatch
    return dispatch


def permitted(request: Request, environment: str) -> str:
    """Give the environment that is asked for, which for a container is its own.

    Raises:
        NotAllowed: It is another's.
    """
    own: str | None = request.state.environment
    if own is not None and environment not in ("", own):
        raise NotAllowed("not-allowed", f"a container of {own} cannot ask for {environment}")
    return own or environment
