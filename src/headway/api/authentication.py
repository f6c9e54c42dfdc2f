"""Who asks, and whether the request came by a name that is ours."""

import time
from datetime import datetime
from ipaddress import ip_address
from typing import NamedTuple

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from headway.api.errors import deny
from headway.control.refusals import refusal
from headway.control.tokens import environment, hashed, owner
from headway.control.world import World
from headway.model.role import Grant

_OPEN = frozenset({"/healthz"})
_OPEN_BELOW = "/static/"
"""Style and script of the pages: the same for everybody."""
_CACHED_S = 10.0
_CACHED_MAX = 1000


class Asker(NamedTuple):
    """Who asks."""

    name: str
    environment: str | None = None
    """For a container: the only environment whose jobs it may ask for."""
    grant: Grant | None = None
    """For everybody else: what they may do."""
    until: datetime | None = None
    """When the token ends."""


def _is_of_jobs(scope: Scope) -> bool:
    """Say whether the code of an app may ask this: for runs, and for locks."""
    path, method = str(scope["path"]), str(scope.get("method", ""))
    if method == "GET":
        return path.startswith(("/v1/runs/", "/v1/leases/"))
    makes_runs = path.startswith("/v1/jobs/") and path.endswith("/runs")
    locks = path == "/v1/leases" or path.startswith("/v1/leases/")
    return method == "POST" and (makes_runs or locks)


class Authentication:
    """Lets a request through when its token is known and its Host is ours.

    A page in a browser can be made to ask a loopback server under a foreign name; the Host header
    gives that away.
    """

    def __init__(self, app: ASGIApp, *, world: World, hosts: frozenset[str]) -> None:
        self._app = app
        self._world = world
        self._hosts = hosts | {"localhost"}
        self._known: dict[str, tuple[float, Asker]] = {}
        self._ended = 0
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
        if scope["path"] in _OPEN or scope["path"].startswith(_OPEN_BELOW):
            await self._app(scope, receive, send)
            return
        asker = await self._asker(headers.get("authorization", ""))
        if asker is None:
            why = "a valid token is needed: Authorization: Bearer …"
            await self._refuse(scope, receive, send, 401, "unauthenticated", why)
            return
        if asker.environment is not None and not _is_of_jobs(scope):
            why = "the token of an environment is for its jobs: their runs, and locks"
            await self._refuse(scope, receive, send, 403, "not-allowed", why)
            return
        scope.setdefault("state", {}).update(
            actor=asker.name, environment=asker.environment, grant=asker.grant
        )
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

    async def _asker(self, header: str) -> Asker | None:
        kind, _, secret = header.partition(" ")
        if kind.lower() != "bearer" or not secret:
            return None
        key = hashed(secret.strip())
        known = self._known.get(key)
        if known is not None and time.monotonic() - known[0] < _CACHED_S:
            asker = known[1]
            ended = asker.until is not None and asker.until <= self._world.clock.now()
            return None if ended else asker
        before = self._ended
        found = await self._looked_up(secret.strip())
        if found is None:
            return None
        if before == self._ended:  # else it may have been revoked since it was read
            if len(self._known) >= _CACHED_MAX:
                self._known.clear()
            self._known[key] = (time.monotonic(), found)
        return found

    async def _looked_up(self, secret: str) -> Asker | None:
        own = await environment(self._world, secret)
        if own is not None:
            return Asker(f"{own.name}'s containers", environment=own.name)
        row = await owner(self._world, secret)
        return Asker(row.name, grant=row.grant, until=row.expires_at) if row is not None else None

    def _forget(self) -> None:
        self._ended += 1
        self._known.clear()

    async def _refuse(
        self, scope: Scope, receive: Receive, send: Send, status: int, code: str, why: str
    ) -> None:
        hint = "the local token is in the data directory: headway doctor" if status == 401 else ""
        await deny(scope, receive, send, refusal(status, code, why, hint))
