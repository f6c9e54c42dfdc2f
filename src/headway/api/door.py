"""The outermost layer: what every answer carries, and streams that are cut short."""

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
)


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
                headers = list(message.get("headers", ()))
                there = {name for name, _ in headers}
                headers += [row for row in _HEADERS if row[0] not in there]
                message = {**message, "headers": headers}
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except (BrokenOff, ClientDisconnect):
            return
