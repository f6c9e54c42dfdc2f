"""Where the pages are hung into the application. Nothing of them is loaded before one is asked for.

The memory of a control plane that nobody looks at is not to grow by what draws pages.
"""

from typing import TYPE_CHECKING

from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send

from headway.web.house import House

if TYPE_CHECKING:
    from headway.web.answering import Answering

_NOT_OURS = frozenset({"/v1", "/healthz", "/metrics", "/openapi.json"})


class Site(BaseRoute):
    """All addresses that are not the API's."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._answering: Answering | None = None

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Say whether an address may be a page."""
        path = scope["path"]
        theirs = scope["type"] != "http" or path in _NOT_OURS or path.startswith("/v1/")
        return (Match.NONE if theirs else Match.FULL), {}

    def url_path_for(self, name: str, /, **path_params: object) -> NoMatchFound:  # type: ignore[override]
        """Pages have no names; `links` knows where they are."""
        raise NoMatchFound(name, dict(path_params))

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        if self._answering is None:
            from headway.web.answering import Answering

            self._answering = Answering(self._house)
        await self._answering(scope, receive, send)
