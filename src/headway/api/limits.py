"""How large a request may be, enforced while it arrives."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headway.api.errors import problem, refusal

JSON_BYTES_MAX = 1024 * 1024
SOURCE_BYTES_MAX = 256 * 1024 * 1024


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

        async def limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most:
                raise HTTPException(413, f"a request here may have at most {most >> 20} MiB")
            return message

        await self._app(scope, limited, send)
