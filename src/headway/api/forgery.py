"""Keeps other sites from acting with a browser's session.

A browser sends a session's cookie whoever made the page that asks. So what changes something and
comes by a cookie must come from a page of ours, as the browser itself says, and carry what only
such a page can know. Who brings a token asks for themselves, and is not looked at here.
"""

import hmac
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headway.api.errors import deny
from headway.control.refusals import refusal
from headway.control.sessions import SIGN_IN

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_FORM = "application/x-www-form-urlencoded"
_HEADER, _FIELD = "x-csrf-token", "csrf"
_FIELDS_MAX = 200


class Forgery:
    """Refuses what another site may have sent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer with a problem."""
        expected = str(scope.get("state", {}).get("csrf", ""))
        signs_in = scope["path"] == SIGN_IN
        if scope.get("method") in SAFE or not (expected or signs_in):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if scope["type"] == "websocket":
            why = "a command in a container is run with a token, not from a browser"
        elif not is_from_here(headers):
            why = "this was asked by a page of another site"
        elif signs_in:
            await self._app(scope, receive, send)
            return
        else:
            given, receive = await _given(headers, scope, receive)
            if hmac.compare_digest(given.encode(), expected.encode()):
                await self._app(scope, receive, send)
                return
            why = "the page is of another session than the one you are signed in with"
        await deny(
            scope, receive, send, refusal(403, "forged", why, "load the page again, and try again")
        )


def is_from_here(headers: Headers) -> bool:
    """Say whether a request was made by a page of the host that it is sent to.

    Browsers tell by two headers; at least one must be there, and neither may say otherwise.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is None and origin is None:
        return False
    host = headers.get("host", "").lower()
    ours = (None, f"http://{host}", f"https://{host}")
    return site in (None, "same-origin") and (origin.lower() if origin else None) in ours


async def _given(headers: Headers, scope: Scope, receive: Receive) -> tuple[str, Receive]:
    """Give what a page sent to prove itself, and what is to be received then."""
    if _HEADER in headers:
        return headers[_HEADER], receive
    if headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        return "", receive
    body = await Request(scope, receive).body()
    try:
        fields = parse_qs(body.decode("latin-1"), max_num_fields=_FIELDS_MAX)
    except ValueError:
        return "", replayed(body, receive)
    given = fields.get(_FIELD, [])
    return given[0] if len(given) == 1 else "", replayed(body, receive)


def replayed(body: bytes, receive: Receive) -> Receive:
    """Give a body that was read once more, and then what comes."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> Message:
        return waiting.pop() if waiting else await receive()

    return received
