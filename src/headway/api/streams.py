"""Streams that go on: server-sent events and lines, ended when either side goes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import Query, Request
from fastapi.responses import StreamingResponse

from headway.api.answers import EVENTS, LINES
from headway.api.door import BrokenOff

T = TypeVar("T")
HEARTBEAT_S = 15.0
Heartbeat = Annotated[float, Query(ge=0.1, le=60)]
_HEARTBEAT = b": still here\n\n"


def wants_events(request: Request) -> bool:
    """Say whether a request asks for server-sent events."""
    return EVENTS in request.headers.get("accept", "")


def sse(
    request: Request,
    values: AsyncIterator[T],
    identity: Callable[[T], str],
    kind: Callable[[T], str] = lambda _value: "",
    *,
    heartbeat_s: float,
) -> StreamingResponse:
    """Stream values as server-sent events, each with an id from which a client can resume."""

    def write(value: T) -> bytes:
        name = kind(value)
        head = f"event: {name}\n" if name else ""
        data = msgspec.json.encode(value).decode()
        return f"{head}id: {identity(value)}\ndata: {data}\n\n".encode()

    return StreamingResponse(
        _until_the_end(request, values, write, _HEARTBEAT, heartbeat_s),
        media_type=EVENTS,
        headers={"x-accel-buffering": "no"},
    )


def lines(request: Request, values: AsyncIterator[Any]) -> StreamingResponse:
    """Stream values as lines of JSON."""

    def write(value: Any) -> bytes:
        return msgspec.json.encode(value) + b"\n"

    return StreamingResponse(
        _until_the_end(request, values, write, b"\n", HEARTBEAT_S), media_type=LINES
    )


async def _until_the_end(
    request: Request,
    values: AsyncIterator[T],
    write: Callable[[T], bytes],
    heartbeat: bytes,
    heartbeat_s: float,
) -> AsyncIterator[bytes]:
    """Give what comes; a heartbeat when nothing does.

    Raises:
        BrokenOff: The server stops.
    """
    stop: asyncio.Event = request.app.state.stop
    stopping = asyncio.create_task(stop.wait())
    following: asyncio.Task[T] | None = None
    try:
        while True:
            if following is None:
                following = asyncio.ensure_future(anext(values))
            await asyncio.wait(
                {following, stopping},
                timeout=heartbeat_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if following.done():
                try:
                    value = following.result()
                except StopAsyncIteration:
                    return
                following = None
                yield write(value)
            elif stopping.done():
                raise BrokenOff
            else:
                yield heartbeat
    finally:
        stopping.cancel()
        if following is not None:
            following.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration, Exception):
                await following
        close = getattr(values, "aclose", None)
        if close is not None:
            with suppress(RuntimeError):
                await close()
