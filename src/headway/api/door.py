"""The outermost layer: what every answer carries, and streams that are cut short."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class BrokenOff(BaseException):
    """A stream that headway's stop cuts short: its connection is closed without the stream's end.

    So the other side can tell what is whole from what is not. Not an `Exception`: nobody is to
    answer it with a problem.
    """


class Door:
    """Gives every answer its headers, also those of the other layers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and add to the answer."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except BrokenOff:
            return
