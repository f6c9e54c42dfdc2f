"""Who asks, and whether the request came by a name that is ours."""

import time
from datetime import datetime
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headway.api.cookies import session_of
from headway.api.door import BrokenOff
from headway.api.errors import NoMore, deny, explained
from headway.control.refusals import refusal
from headway.control.sessions import SIGN_IN, cookie_name, csrf, find
from headway.control.tokens import environment, hashed, owner
from headway.control.world import World
from headway.model.role import Grant

_OPEN = frozenset({"/healthz"})
_OPEN_BELOW = "/static/"
"""Style and script of the pages: the same for everybody."""
_PROGRAMS = ("/v1/", "/metrics", "/openapi.json", "/live")
"""What programs ask for: who does it without a token is told so, and not sent to sign in."""
_CACHED_S = 10.0
_CACHED_MAX = 1000


class Asker(NamedTuple):
    """Who asks."""

    name: str
    environment: str | None = None
    """For a container: the only environment whose jobs it may ask for."""
    grant: Grant | None = None
    """For everybody else: what they may do."""
    token: str = ""
    """The id of the token, theirs or that of their session."""
    csrf: str = ""
    """Of a session: what a page of it must send with what changes something."""
    until: datetime | None = None
    """When it ends."""


def _is_of_jobs(scope: Scope) -> bool:
    """Say whether the code of an app may ask this: for runs, and for locks."""
    path, method = str(scope["path"]), str(scope.get("method", ""))
    if method == "GET":
        return path.startswith(("/v1/runs/", "/v1/leases/"))
    makes_runs = path.startswith("/v1/jobs/") and path.endswith("/runs")
    locks = path == "/v1/leases" or path.startswith("/v1/leases/")
    return method == "POST" and (makes_runs or locks)


class Authentication:
    """Lets a request through when its token or its session is good and its Host is ours.

    A page in a browser can be made to ask a loopback server under a foreign name; the Host header
    gives that away.
    """

    def __init__(self, app: ASGIApp, *, world: World, hosts: frozenset[str]) -> None:
        self._app = app
        self._world = world
        self._hosts = hosts | {"localhost"}
        self._cookie = cookie_name(world.vault)
        self._known: dict[str, tuple[float, Asker]] = {}
        self._ended = 0
        """How often something has ended before its time."""
        world.bell.on_token(self._forget)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer with a problem."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._is_ours(hosts[0]):
            await self._refuse(scope, receive, send, 400, "host-unknown", "this is another host's")
            return
        path = str(scope["path"])
        if path in _OPEN or path.startswith(_OPEN_BELOW):
            await self._app(scope, receive, send)
            return
        asker = await self._asker(headers)
        if asker is None:
            await self._unknown(scope, receive, send, headers)
            return
        if asker.environment is not None and not _is_of_jobs(scope):
            why = "the token of an environment is for its jobs: their runs, and locks"
            await self._refuse(scope, receive, send, 403, "not-allowed", why)
            return
        scope.setdefault("state", {}).update(
            actor=asker.name,
            environment=asker.environment,
            grant=asker.grant,
            token=asker.token,
            csrf=asker.csrf,
        )
        try:
            await self._app(scope, *self._while_good(headers, asker, receive, send))
        except NoMore as error:  # where a body is read before an endpoint is reached
            await explained(error, path)(scope, receive, send)

    async def _unknown(self, scope: Scope, receive: Receive, send: Send, headers: Headers) -> None:
        """Send a person to sign in, and tell a program what it lacks."""
        path = str(scope["path"])
        if path == SIGN_IN:
            await self._app(scope, receive, send)
            return
        programs = scope["type"] != "http" or path.startswith(_PROGRAMS) or path.endswith(".json")
        if programs or "authorization" in headers:
            why = "a valid token is needed: Authorization: Bearer …"
            await self._refuse(scope, receive, send, 401, "unauthenticated", why)
            return
        query = scope.get("query_string", b"").decode("latin-1")
        there = quote(path) + (f"?{query}" if query else "")
        to = SIGN_IN if there == "/" else f"{SIGN_IN}?next={quote(there, safe='/')}"
        await RedirectResponse(to, 303)(scope, receive, send)

    def _is_ours(self, host: str) -> bool:
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        name = name.strip("[]").lower()
        if name in self._hosts or name.endswith(".localhost"):
            return True
        try:
            return ip_address(name).is_loopback
        except ValueError:
            return False

    def _while_good(
        self, headers: Headers, asker: Asker, receive: Receive, send: Send
    ) -> tuple[Receive, Send]:
        """Pass on what comes later only while the token or session is good still."""
        seen, begun = self._ended, False

        async def is_good() -> bool:
            nonlocal seen
            if seen == self._ended and not self._is_over(asker):
                return True
            seen = self._ended
            return await self._asker(headers) is not None

        async def sending(message: Message) -> None:
            nonlocal begun
            goes_on = message.get("more_body") or message["type"] == "websocket.send"
            if goes_on and not await is_good():
                raise BrokenOff
            begun = True
            await send(message)

        async def received() -> Message:
            message = await receive()
            kind = message["type"]
            if kind == "websocket.receive" and not await is_good():
                return {"type": "websocket.disconnect", "code": 4401}
            if kind == "http.request" and not await is_good():
                # The head may have come long before its body.
                raise BrokenOff if begun else NoMore
            return message

        return received, sending

    def _is_over(self, asker: Asker) -> bool:
        return asker.until is not None and asker.until <= self._world.clock.now()

    async def _asker(self, headers: Headers) -> Asker | None:
        given = headers.get("authorization")
        if given is not None:
            kind, _, secret = given.partition(" ")
            secret = secret.strip()
            look, mark = self._by_token, "token"
            if kind.lower() != "bearer":
                return None
        else:
            secret = session_of(headers.getlist("cookie"), self._cookie)
            look, mark = self._by_session, "session"
        if not secret:
            return None
        key = mark + hashed(secret)
        known = self._known.get(key)
        if known is not None and time.monotonic() - known[0] < _CACHED_S:
            return None if self._is_over(known[1]) else known[1]
        before = self._ended
        found = await look(secret)
        if found is None:
            return None
        if before == self._ended:  # else it may have been revoked since it was read
            if len(self._known) >= _CACHED_MAX:
                self._known.clear()
            self._known[key] = (time.monotonic(), found)
        return found

    async def _by_token(self, secret: str) -> Asker | None:
        own = await environment(self._world, secret)
        if own is not None:
            return Asker(f"{own.name}'s containers", environment=own.name)
        row = await owner(self._world, secret)
        if row is None:
            return None
        return Asker(row.name, grant=row.grant, token=row.id, until=row.expires_at)

    async def _by_session(self, secret: str) -> Asker | None:
        known = await find(self._world, secret)
        if known is None:
            return None
        session, token = known
        until = min(session.expires_at, token.expires_at or session.expires_at)
        return Asker(token.name, grant=token.grant, token=token.id, csrf=csrf(secret), until=until)

    def _forget(self) -> None:
        self._ended += 1
        self._known.clear()

    async def _refuse(
        self, scope: Scope, receive: Receive, send: Send, status: int, code: str, why: str
    ) -> None:
        hint = "the local token is in the data directory: headway doctor" if status == 401 else ""
        await deny(scope, receive, send, refusal(status, code, why, hint))
