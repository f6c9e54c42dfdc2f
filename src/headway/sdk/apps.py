"""Apps and their sources."""

from pathlib import Path

from headway.model.settings import Settings
from headway.model.view.app import AppView, SourceView
from headway.sdk.source import pack
from headway.sdk.transport import Transport, part


class Apps:
    """Apps that headway knows."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def send(
        self, directory: Path, commit: str | None = None, *, newest: bool = True
    ) -> SourceView:
        """Send a directory as it is, or a commit of it.

        With `newest` it becomes its app's newest source, which `start` uses; without, once a start
        or a deployment names it.

        Raises:
            SdkError: It cannot be packed.
            RefusedError: Its manifest has mistakes.
        """
        limits = self._transport.call("GET", "/v1/settings", Settings)
        packed = pack(directory, commit, limits=limits)
        query = {
            "name": packed.name,
            "commit": packed.commit,
            "subject": packed.subject,
            "author": packed.author,
            "branch": packed.branch,
            "dirty": "true" if packed.dirty else "false",
            "newest": "true" if newest else "false",
        }
        return self._transport.call(
            "POST", "/v1/sources", SourceView, query=query, content=packed.parts()
        )

    def all(self) -> list[AppView]:
        """List all apps by name."""
        return self._transport.call("GET", "/v1/apps", list[AppView])

    def get(self, app: str) -> AppView:
        """Give an app."""
        return self._transport.call("GET", f"/v1/apps/{part(app)}", AppView)

    def forget(self, app: str) -> None:
        """Forget an app that is in no environment."""
        self._transport.call("DELETE", f"/v1/apps/{part(app)}", type(None))
