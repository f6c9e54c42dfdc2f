"""Containers, one-offs, and commands run inside."""

import asyncio
from contextlib import suppress
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, WebSocket, WebSocketDisconnect
from fastapi import status as status_codes

from headway.api.answers import Json, answers
from headway.api.errors import cut
from headway.api.requests import RunBody
from headway.api.scope import Actor, App, Environment, Identity, TheWorld, done_once
from headway.control import containers, one_offs
from headway.control.errors import HeadwayError
from headway.control.refusals import UNAVAILABLE
from headway.control.requests import RunRequest
from headway.model.container import Container
from headway.model.terminal import TerminalSize
from headway.ports.engine import EngineError, Session

router = APIRouter(tags=["containers"])
_STDIN, _STDOUT, _STDERR, _RESIZE, _EXIT = range(5)
_FRAME_BYTES_MAX = 256 * 1024
_REFUSED = 4409


class _BadFrame(Exception):
    """What came is no frame; the text says what one would be."""


@router.get("/containers/{container}", responses=answers(Container))
async def get_container(world: TheWorld, container: Identity) -> Json:
    """Give a container."""
    return Json(await containers.one(world, container))


@router.post("/containers/{container}/stop", responses=answers(Container))
async def stop_container(
    request: Request, world: TheWorld, actor: Actor, container: Identity
) -> Json:
    """Stop a container. A service's is followed by another."""
    return await done_once(request, lambda: containers.stop(world, actor, container))


@router.post("/environments/{environment}/apps/{app}/one-offs", responses=answers(Container))
async def run(
    request: Request,
    world: TheWorld,
    actor: Actor,
    environment: Environment,
    app: App,
    body: RunBody,
) -> Json:
    """Run a command once, in a container of the live release."""
    wish = RunRequest(
        command=body.command,
        process=body.process,
        timeout_s=body.timeout_s,
        wait_for_exec=body.wait_for_exec,
    )
    return await done_once(request, lambda: one_offs.start(world, actor, environment, app, wish))


@router.websocket("/containers/{container}/exec")
async def exec_in_container(
    socket: WebSocket,
    container: str,
    argv: Annotated[list[str], Query(max_length=1000)],
    terminal: bool = False,
    columns: Annotated[int, Query(ge=1, le=10_000)] = 80,
    rows: Annotated[int, Query(ge=1, le=10_000)] = 24,
) -> None:
    """Run a command in a container; with `terminal`, in one of this size.

    Binary frames: a byte that says what (0 input, 1 output, 2 error output, 3 size of the
    terminal, 4 the end) and the data. An empty input frame ends the input.
    """
    world = socket.app.state.world
    size = TerminalSize(columns=columns, rows=rows) if terminal else None
    await socket.accept()
    try:
        session = await containers.exec(world, socket.state.actor, container, tuple(argv), size)
    except HeadwayError as error:
        await socket.close(_REFUSED, cut(error.because))
        return
    except UNAVAILABLE as error:
        await socket.close(_REFUSED, cut(str(error)))
        return
    try:
        await _carry(socket, session)
    finally:
        with suppress(HeadwayError, *UNAVAILABLE):  # it has ended by itself
            await containers.left(world, container)


async def _carry(socket: WebSocket, session: Session) -> None:
    feeding = asyncio.create_task(_feed(socket, session))
    showing = asyncio.create_task(_show(socket, session))
    stopping = asyncio.create_task(socket.app.state.stop.wait())
    tasks = {feeding, showing, stopping}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        ended = showing.done() and showing.exception() is None
        status = await session.close()
        with suppress(RuntimeError, WebSocketDisconnect):
            if ended:
                end = bytes([_EXIT]) + msgspec.json.encode({"status": status})
                await socket.send_bytes(end)
                await socket.close()
            elif feeding.done() and isinstance(mistake := feeding.exception(), _BadFrame):
                await socket.close(status_codes.WS_1007_INVALID_FRAME_PAYLOAD_DATA, str(mistake))
            else:
                await socket.close(status_codes.WS_1012_SERVICE_RESTART, "headway stops")
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _show(socket: WebSocket, session: Session) -> None:
    with suppress(WebSocketDisconnect):
        async for stream, data in session.output():
            kind = _STDERR if stream == "stderr" else _STDOUT
            await socket.send_bytes(bytes([kind]) + data)


async def _feed(socket: WebSocket, session: Session) -> None:
    """Pass input on until the other side goes.

    Raises:
        _BadFrame: It sent what is no frame.
    """
    with suppress(WebSocketDisconnect, EngineError):
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            frame = message.get("bytes")
            if not frame:
                raise _BadFrame("a frame is binary, and its first byte says what it is")
            if len(frame) > _FRAME_BYTES_MAX:
                raise _BadFrame(f"a frame has at most {_FRAME_BYTES_MAX} bytes")
            if frame[0] == _STDIN:
                await session.send(frame[1:])
            elif frame[0] == _RESIZE:
                await session.resize(_size(frame[1:]))


def _size(data: bytes) -> TerminalSize:
    try:
        return msgspec.json.decode(data, type=TerminalSize)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _BadFrame('a size is such as {"columns": 80, "rows": 24}') from error
