"""What turns sources into artifacts."""

import msgspec

from headway.model.build import Build
from headway.model.view.build import BuildView
from headway.model.view.page import Page
from headway.sdk.transport import Transport, part


class Builds:
    """What turns sources into artifacts. What they write: `client.logs.build`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def page(
        self, app: str | None = None, *, limit: int = 50, before: str | None = None
    ) -> tuple[list[BuildView], str | None]:
        """Give builds, newest first, and the cursor of the following part."""
        query = {"app": app, "limit": limit, "before": before}
        page = self._transport.call("GET", "/v1/builds", Page, query=query)
        return [msgspec.convert(item, BuildView) for item in page.items], page.next

    def get(self, identity: str) -> Build:
        """Give a build."""
        return self._transport.call("GET", f"/v1/builds/{part(identity)}", Build)
