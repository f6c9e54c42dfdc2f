"""Signing a browser in, by a link that is good once or by a token, and out."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from headway.control import sessions
from headway.control.world import World
from headway.web.page import View

_LOCAL = re.compile(r"/(?![/\\])[^\x00-\x20\\\x7f]*")
_NEXT_MAX = 2000
_TRIES, _PER_TRY_S = 10, 6.0
_ADDRESSES_MAX = 1000
_OF_THIS_HOST = "__Host-"


def local(address: str) -> str:
    """Give an address if it is one of ours, else that of the first page.

    >>> local("/apps?x=1"), local("//evil.example"), local("https://evil.example")
    ('/apps?x=1', '/', '/')
    """
    return address if len(address) <= _NEXT_MAX and _LOCAL.fullmatch(address) else "/"


class SignInPage(View, kw_only=True):
    """Where somebody signs in."""

    link: str = ""
    """What signs them in; none: they are to give a token."""
    name: str = ""
    """Whom the link signs in."""
    role: str = ""
    then: str = "/"
    problem: str = ""
    status: int = 200

    @property
    def title(self) -> str:
        """Its name."""
        return "Sign in"


class _Bucket(NamedTuple):
    tries: float
    at: float


class Patience:
    """Lets an address give a wrong token a few times, and then now and then.

    A token has 256 random bits, so nobody guesses one; this keeps the trying cheap.
    """

    def __init__(self) -> None:
        self._buckets: dict[str, _Bucket] = {}

    def wait_s(self, address: str, now: float) -> float:
        """Say how long an address must wait until it may try again."""
        return max(0.0, (1 - self._left(address, now)) * _PER_TRY_S)

    def failed(self, address: str, now: float) -> None:
        """Note that an address gave a wrong token."""
        left = self._left(address, now) - 1
        self._buckets.pop(address, None)
        self._buckets[address] = _Bucket(left, now)
        while len(self._buckets) > _ADDRESSES_MAX:
            del self._buckets[next(iter(self._buckets))]

    def _left(self, address: str, now: float) -> float:
        bucket = self._buckets.get(address, _Bucket(_TRIES, now))
        return min(_TRIES, bucket.tries + (now - bucket.at) / _PER_TRY_S)


class SigningIn:
    """Answers what is about sessions."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._cookie = sessions.cookie_name(world.vault)
        self._patience = Patience()

    async def see(self, query: Mapping[str, str]) -> SignInPage:
        """Show the page. It leaves a link good: who looks ahead must not use it up."""
        then = local(query.get("next", "/"))
        link = query.get("link", "")
        if not link:
            return SignInPage(then=then)
        owner = await sessions.owner_of(self._world, link)
        if owner is None:
            return SignInPage(then=then, problem=_USED)
        return SignInPage(link=link, name=owner.name, role=owner.role.value, then=then)

    async def enter(self, request: Request, form: Mapping[str, str]) -> Response | SignInPage:
        """Sign in with what a form says, or say why not."""
        then = local(form.get("next", "/"))
        address = request.client.host if request.client else ""
        agent = request.headers.get("user-agent", "")
        link = form.get("link", "")
        if link:
            opened = await sessions.follow(self._world, link, agent, address)
            problem = _USED
        else:
            now = self._world.clock.now().timestamp()
            wait_s = self._patience.wait_s(address, now)
            if wait_s > 0:
                problem = f"too many wrong tokens came from {address}: wait {wait_s:.0f} s"
                return SignInPage(then=then, problem=problem, status=429)
            token = form.get("token", "").strip()
            opened = await sessions.sign_in(self._world, token, agent, address)
            if opened is None:
                self._patience.failed(address, now)
            problem = "this is no token that is good here"
        if opened is None:
            return SignInPage(then=then, problem=problem, status=403)
        await self._leave(request)  # a browser has one session, and never one it was given
        response = RedirectResponse(then, 303)
        self._set(request, response, opened.secret, round(opened.length_s))
        return response

    async def leave(self, request: Request) -> Response:
        """Sign out."""
        await self._leave(request)
        response = RedirectResponse(sessions.SIGN_IN, 303)
        self._set(request, response, "", 0)
        return response

    async def _leave(self, request: Request) -> None:
        for name in (self._cookie, _OF_THIS_HOST + self._cookie):
            secret = request.cookies.get(name)
            if secret:
                await sessions.sign_out(self._world, secret)

    def _set(self, request: Request, response: Response, secret: str, length_s: int) -> None:
        """Set the cookie, for this host only; where it came by https, so that it stays there.

        Headway speaks http, and https is a proxy's in front of it: the browser says which it was.
        """
        secure = request.headers.get("origin", "").startswith("https:")
        response.set_cookie(
            (_OF_THIS_HOST if secure else "") + self._cookie,
            secret,
            max_age=length_s,
            path="/",
            secure=secure,
            httponly=True,
            samesite="lax",
        )


_USED = "this link has been used, or its time is over: `headway dashboard` gives another"
