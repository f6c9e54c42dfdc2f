"""How large a request may be, enforced while it arrives."""

import asyncio
from contextlib import suppress

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headway.api.errors import TooLarge, too_large
from headway.formats.units import render_size
from headway.model.settings import Settings

_DRAIN_S = 2.0
_DRAINED_BYTES_MAX = 128 * 1024 * 1024


class Limits:
    """Answers 413 to what is too large: at once where it says so, else as soon as it shows."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on at most so many bytes."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._most(scope["path"])
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > most:
            await self._refuse(scope, receive, send)
            return
        taken, begun = 0, False

        async def limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most:
                raise TooLarge(most)
            return message

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, limited, sending)
        except TooLarge:  # where a body is read before an endpoint is reached
            if not begun:
                await self._too_large(scope["path"])(scope, receive, send)

    def _most(self, path: str) -> int:
        limits = self._settings
        if path == "/v1/sources":
            return limits.source_bytes_max
        if is_for_runs(path):
            return max(limits.request_bytes_max, limits.invocations_bytes_max)
        return limits.request_bytes_max

    def _too_large(self, path: str) -> Response:
        if not is_for_runs(path):
            return too_large(self._most(path))
        most = render_size(self._settings.parameters_bytes_max)
        hint = f"the parameters of a run may have {most}: of what is larger, hand over where it is"
        return too_large(self._most(path), hint)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and read on for a while: who is still sending would not see the answer else."""

        async def lingering(message: Message) -> None:
            if message["type"] == "http.response.body":
                await send({**message, "more_body": True})
                await _drain(receive)
                message = {"type": "http.response.body"}
            await send(message)

        await self._too_large(scope["path"])(scope, receive, lingering)


def is_for_runs(path: str) -> bool:
    """Say whether a path is the one that makes runs."""
    return path.startswith("/v1/jobs/") and path.endswith("/runs")


async def _drain(receive: Receive) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_S):
            drained = 0
            while drained < _DRAINED_BYTES_MAX:
                message = await receive()
                drained += len(message.get("body", b""))
                if not message.get("more_body"):
                    return
