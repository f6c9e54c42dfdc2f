"""Serves the application until told to stop, which streams notice at once."""

import asyncio
import os
import socket
from contextlib import AbstractContextManager, nullcontext

import uvicorn
from fastapi import FastAPI

from headway.api.head import HEAD_BYTES, BoundedHttp

_GRACE_S = 3
# A command to be run in a container is part of a WebSocket's address; read when it is imported.
os.environ.setdefault("WEBSOCKETS_MAX_LINE_LENGTH", str(HEAD_BYTES))
_WAITING_MAX = 2048
BACKLOG = 512


class _Server(uvicorn.Server):
    """uvicorn without signal handlers of its own."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        """Leave signals to who runs the server."""
        return nullcontext()


async def serve(app: FastAPI, listener: socket.socket, *, stop: asyncio.Event) -> None:
    """Serve until `stop` is set; requests under way then have three seconds."""
    listener.setblocking(False)
    server = _Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            http=BoundedHttp,
            timeout_graceful_shutdown=_GRACE_S,
            timeout_keep_alive=30,
            limit_concurrency=_WAITING_MAX,
            ws_max_size=1024 * 1024,
            lifespan="off",
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="api")
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving
    finally:
        stopping.cancel()
