"""Answers what a browser asks for: pages, their data, files, forms, and the live stream."""

import hashlib
import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

import msgspec
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import compile_path
from starlette.types import Receive, Scope, Send

from headway.control.environments import past
from headway.control.errors import NotFound
from headway.control.idempotency import once
from headway.control.refusals import refused
from headway.control.sessions import SIGN_IN
from headway.model.role import Grant, Role
from headway.web import links
from headway.web.acting import NotDone, done, shown
from headway.web.drawing import Visit, draw
from headway.web.house import House
from headway.web.live import Live, Watch
from headway.web.messages import GONE
from headway.web.navigation import navigation
from headway.web.page import Act, Ask, Page, View
from headway.web.pages import ACTS, PAGES
from headway.web.pages.mistake import MistakePage
from headway.web.seen import Seen
from headway.web.signing_in import SigningIn, local
from headway.web.static import assets

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {"content-security-policy": _POLICY, "referrer-policy": "same-origin"}
_KEPT = {"cache-control": "public, max-age=31536000, immutable"}
_JSON = ".json"
_LOOKED = ("GET", "HEAD")
_SIGN_OUT = "/sign-out"
_FORM = "application/x-www-form-urlencoded"
_FIELDS_MAX = 200


_NOBODY = Grant(role=Role.VIEWER)


class _Place(NamedTuple):
    """A page or an act, and the pattern of its address."""

    pattern: re.Pattern[str]
    what: Page | Act


class Answering:
    """An ASGI application of pages."""

    def __init__(self, house: House) -> None:
        self._house = house
        everything: list[Page | Act] = [*ACTS, *PAGES]
        self._places = [_Place(compile_path(what.path)[0], what) for what in everything]
        self._nav = navigation({page.path for page in PAGES})
        self._live = Live(house)
        self._signing = SigningIn(house.world)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; what goes wrong is a page, too."""
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except HTTPException:
            raise
        except Exception as error:  # noqa: BLE001 (whatever it is, who asks is to see it)
            response = self._mistake(request, error)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path = request.url.path
        if path.startswith("/static/"):
            return _file(request, path.removeprefix("/static/"))
        if path == "/live":
            return await self._follow(request)
        if path in (SIGN_IN, _SIGN_OUT):
            return await self._sign(request, path)
        wants_data = path.endswith(_JSON)
        found = self._find(path.removesuffix(_JSON) or "/") if wants_data else None
        found = found or self._find(path)
        if found is None:
            raise NotFound("not-found", f"there is no page {path}", next=("headway --help",))
        what, names = found
        ask = self._ask(request, names, request.query_params)
        try:
            return await self._told(request, what, ask, wants_data=wants_data)
        except NotFound:
            ended = await _ended(ask) if request.method in _LOOKED else None
            if ended is None:
                raise
            return RedirectResponse(ended + (_JSON if wants_data else ""), 303, _HEADERS)

    async def _told(
        self, request: Request, what: Page | Act, ask: Ask, *, wants_data: bool
    ) -> Response:
        if isinstance(what, Act):
            return await self._act(request, what, ask)
        if request.method not in _LOOKED:
            raise HTTPException(405, "a page can only be looked at", {"allow": "GET, HEAD"})
        view = await what.see(ask)
        if wants_data:
            return _data(view)
        if view.goes_to:
            return RedirectResponse(view.goes_to, 303, _HEADERS)
        return self._page(request, what.template, view, is_live=what.is_live)

    def _find(self, path: str) -> tuple[Page | Act, dict[str, str]] | None:
        for place in self._places:
            found = place.pattern.match(path)
            if found is not None:
                return place.what, found.groupdict()
        return None

    def _ask(self, request: Request, names: Mapping[str, str], query: Mapping[str, str]) -> Ask:
        state, now = request.state, self._house.world.clock.now()
        actor, grant, credential = str(state.actor), state.grant, state.credential
        return Ask(self._house, names, query, actor, grant, now, credential)

    def _visit(self, request: Request) -> Visit:
        query, now = request.url.query, self._house.world.clock.now()
        return Visit(
            path=f"{request.url.path}?{query}" if query else request.url.path,
            actor=str(getattr(request.state, "actor", "")),
            now=now,
            version=self._house.world.version,
            role=getattr(request.state, "grant", _NOBODY).role.value,
            csrf=str(getattr(request.state, "csrf", "")),
            id=self._house.world.run_ids.make(now),
            nav=self._nav,
        )

    def _page(
        self,
        request: Request,
        template: str,
        view: View,
        *,
        status: int = 200,
        is_live: bool = False,
    ) -> Response:
        text = draw(template, view, self._visit(request), is_live=is_live)
        return Response(text, status, _HEADERS, "text/html")

    async def _act(self, request: Request, act: Act, ask: Ask) -> Response:
        if request.method in _LOOKED:
            return self._page(request, "act.html", await shown(act, ask))
        if request.method != "POST":
            raise HTTPException(
                405, "this is asked by GET and done by POST", {"allow": "GET, POST"}
            )
        form = await _form(request)
        ask = ask._replace(query={**ask.query, **form})
        try:
            where = await self._done_once(request, act, ask, form)
        except NotDone as not_done:
            plan, status = not_done.plan, not_done.status
            return self._page(request, "act.html", plan, status=status)
        return RedirectResponse(where, 303, _HEADERS)

    async def _done_once(
        self, request: Request, act: Act, ask: Ask, form: Mapping[str, str]
    ) -> str:
        """Do an act, once for each form however often it is sent; gives where to go on.

        Raises:
            NotDone: Its plan, or why it cannot be, is to be seen first.
        """

        async def deed() -> bytes:
            return msgspec.json.encode(await done(act, ask, form))

        if not form.get("id"):
            where: str = msgspec.json.decode(await deed())
            return where
        # With the form's content: who goes back and fills it in otherwise asks for something else.
        sent = f"{request.url.path}?{request.url.query}\n".encode() + await request.body()
        key = hashlib.sha256(sent).hexdigest()
        answer = msgspec.json.decode(
            await once(ask.world, ask.actor, key, sent, deed, keeps_last=True)
        )
        # A crash between the deed and this answer leaves what the deed itself kept: it was done.
        return answer if isinstance(answer, str) else "/events"

    async def _sign(self, request: Request, path: str) -> Response:
        """Sign a browser in or out."""
        if request.method == "POST":
            form = await _form(request)
            if path == _SIGN_OUT:
                return await self._signing.leave(request)
            done = await self._signing.enter(request, form)
            if isinstance(done, Response):
                return done
            return self._page(request, "sign_in.html", done, status=done.status)
        query = request.query_params
        if path == _SIGN_OUT or ("link" not in query and hasattr(request.state, "actor")):
            return RedirectResponse(local(query.get("next", "/")), 303)
        view = await self._signing.see(query)
        return self._page(request, "sign_in.html", view)

    async def _follow(self, request: Request) -> Response:
        address, _, query = request.query_params.get("page", "").partition("?")
        found = self._find(unquote(address))
        page, names = found or (None, {})
        if not isinstance(page, Page):
            raise NotFound("not-found", f"there is no page {address}")
        headers = {**_HEADERS, "x-accel-buffering": "no"}
        version = self._house.world.version
        if request.query_params.get("v", version) != version:  # an older headway drew it
            return Response(GONE, headers=headers, media_type="text/event-stream")
        watch = Watch(
            page=page,
            path=request.query_params["page"],
            ask=self._ask(request, names, QueryParams(query)),
            seen=Seen.parse(request.query_params.get("seen", "")),
        )
        return StreamingResponse(
            self._live.stream(watch), headers=headers, media_type="text/event-stream"
        )

    def _mistake(self, request: Request, error: Exception) -> Response:
        said = refused(error, request.url.path)
        if "text/html" not in request.headers.get("accept", ""):
            return Response(
                msgspec.json.encode(said), said.status, media_type="application/problem+json"
            )
        view = MistakePage(refusal=said)
        return self._page(request, "mistake.html", view, status=said.status)


async def _ended(ask: Ask) -> str | None:
    """Give where what is kept of an environment is, when what was asked for has ended with it."""
    name = ask.names.get("environment")
    found = await past.last(ask.world, name) if name else None
    return links.life(found.id) if found else None


def _data(view: View) -> Response:
    return Response(msgspec.json.encode(view), headers=_HEADERS, media_type="application/json")


def _file(request: Request, name: str) -> Response:
    asset = assets().get(name)
    if asset is None:
        raise NotFound("file-unknown", f"there is no file {name}")
    # Pages are not packed: what they carry against forgery could be guessed by their length.
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers = {**_KEPT, "content-encoding": "gzip", "vary": "accept-encoding"}
        return Response(asset.packed, headers=headers, media_type=asset.kind)
    return Response(asset.content, headers=_KEPT, media_type=asset.kind)


async def _form(request: Request) -> dict[str, str]:
    """Read what a form sends. Browsers write the end of a line as two characters."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != _FORM:
        raise HTTPException(415, f"a form is sent as {_FORM}")
    body = (await request.body()).decode(errors="replace")
    fields = parse_qsl(body, keep_blank_values=True, max_num_fields=_FIELDS_MAX)
    return {name: value.replace("\r\n", "\n") for name, value in fields}
