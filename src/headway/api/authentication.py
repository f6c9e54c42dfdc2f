"""Who asks, and whether the request came by a name that is ours."""

import time
from functools import partial
from ipaddress import ip_address
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from headway.api.cookies import session_of
from headway.api.errors import NoMore, deny, explained
from headway.api.going_on import Asker, GoingOn
from headway.control.permits import Credential
from headway.control.refusals import refusal
from headway.control.sessions import SIGN_IN, cookie_name, csrf, find, idle_at
from headway.control.tokens import environment, hashed, owner
from headway.control.world import World

_OPEN = frozenset({"/healthz"})
_OPEN_BELOW = "/static/"
"""Style and script of the pages: the same for everybody."""
_PROGRAMS = ("/v1/", "/metrics", "/openapi.json", "/live")
"""What programs ask for: who does it without a token is told so, and not sent to sign in."""
_CACHED_S = 10.0
_CACHED_MAX = 1000


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
        world.bell.token.calls(self._forget)

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
            credential=asker.credential,
            csrf=asker.csrf,
        )
        try:
            look = partial(self._asker, headers, is_use=False)
            going = GoingOn(asker, look, lambda: self._ended, self._world.clock)
            await self._app(scope, *going.passing(scope, receive, send))
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

    def _is_over(self, asker: Asker) -> bool:
        return asker.good_s(self._world.clock.now()) <= 0

    async def _asker(self, headers: Headers, *, is_use: bool = True) -> Asker | None:
        given = headers.get("authorization")
        if given is not None:
            kind, _, secret = given.partition(" ")
            secret = secret.strip()
            look, mark = self._by_token, "token"
            if kind.lower() != "bearer":
                return None
        else:
            secret = session_of(headers.getlist("cookie"), self._cookie)
            look, mark = partial(self._by_session, is_use=is_use), "session"
        if not secret:
            return None
        key = mark + hashed(secret)
        known = self._known.get(key)
        is_fresh = known is not None and time.monotonic() - known[0] < _CACHED_S
        if known is not None and is_fresh and not self._is_over(known[1]):
            return known[1]
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
        return Asker(row.name, grant=row.grant, credential=Credential(row.id, until=row.expires_at))

    async def _by_session(self, secret: str, *, is_use: bool) -> Asker | None:
        known = await find(self._world, secret, is_use=is_use)
        if known is None:
            return None
        session, token = known
        until = min(session.expires_at, token.expires_at or session.expires_at)
        return Asker(
            token.name,
            grant=token.grant,
            credential=Credential(token.id, session.id, until),
            csrf=csrf(secret),
            idle_at=idle_at(self._world, session),
        )

    def _forget(self) -> None:
        self._ended += 1
        self._known.clear()

    async def _refuse(
        self, scope: Scope, receive: Receive, send: Send, status: int, code: str, why: str
    ) -> None:
        hint = "the local token is in the data directory: headway doctor" if status == 401 else ""
        await deny(scope, receive, send, refusal(status, code, why, hint))
