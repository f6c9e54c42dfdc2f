"""Who asks, and whether the request came by a name that is ours."""

import time
from ipaddress import ip_address

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from headway.api.errors import problem, refusal
from headway.control.tokens import hashed, owner
from headway.control.world import World

_OPEN = frozenset({"/healthz"})
_CACHED_S = 10.0
_CACHED_MAX = 1000


class Authentication:
    """Lets a request through when its token is known and its Host is ours.

    A page in a browser can be made to ask a loopback server under a foreign name; the Host header
    gives that away.
    """

    def __init__(self, app: ASGIApp, *, world: World, hosts: frozenset[str]) -> None:
        self._app = app
        self._world = world
        self._hosts = hosts | {"localhost"}
        self._known: dict[str, tuple[float, str]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer with a problem."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        if not self._is_ours(connection.headers.get("host", "")):
            await self._refuse(scope, receive, send, 400, "host-unknown", "this is another host's")
            return
        if connection.url.path in _OPEN:
            await self._app(scope, receive, send)
            return
        actor = await self._actor(connection.headers.get("authorization", ""))
        if actor is None:
            why = "a valid token is needed: Authorization: Bearer …"
            await self._refuse(scope, receive, send, 401, "unauthenticated", why)
            return
        scope.setdefault("state", {})["actor"] = actor
        await self._app(scope, receive, send)

    def _is_ours(self, host: str) -> bool:
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        name = name.strip("[]").lower()
        if name in self._hosts or name.endswith(".localhost"):
            return True
        try:
            return ip_address(name).is_loopback
        except ValueError:
            return False

    async def _actor(self, header: str) -> str | None:
        kind, _, secret = header.partition(" ")
        if kind.lower() != "bearer" or not secret:
            return None
        key = hashed(secret.strip())
        known = self._known.get(key)
        if known is not None and time.monotonic() - known[0] < _CACHED_S:
            return known[1]
        row = await owner(self._world, secret.strip())
        if row is None:
            return None
        if len(self._known) >= _CACHED_MAX:
            self._known.clear()
        self._known[key] = (time.monotonic(), row.name)
        return row.name

    async def _refuse(
        self, scope: Scope, receive: Receive, send: Send, status: int, code: str, why: str
    ) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 4401, "reason": why})
            return
        hint = "the local token is in the data directory: headway doctor" if status == 401 else ""
        await problem(refusal(status, code, why, hint))(scope, receive, send)
