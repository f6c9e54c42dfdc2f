"""How large a request may be, enforced while it arrives."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headway.api.errors import problem, refusal

JSON_BYTES_MAX = 1024 * 1024
SOURCE_BYTES_MAX = 256 * 1024 * 1024


class TooLarge(Exception):
    """More arrived than may."""


class Limits:
    """Answers 413 to what is too large: at once where it says so, else as soon as it shows."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on at most so many bytes."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = SOURCE_BYTES_MAX if scope["path"] == "/v1/sources" else JSON_BYTES_MAX
        refuse = problem(
            refusal(413, "too-large", f"a request here may have at most {most >> 20} MiB")
        )
        refuse.headers["connection"] = "close"
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > most:
            await refuse(scope, receive, send)
            return
        taken = 0
        answered = False

        async def limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most:
                raise TooLarge
            return message

        async def noted(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self._app(scope, limited, noted)
        except TooLarge:
            if not answered:
                await refuse(scope, receive, send)
