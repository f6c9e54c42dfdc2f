"""Log lines and builds."""

from collections.abc import Iterator
from datetime import datetime

from headway.model.build import Build
from headway.model.view import LogEntry
from headway.sdk.transport import Transport, part


class Logs:
    """Logs of containers and builds."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def environment(
        self,
        name: str,
        *,
        app: str | None = None,
        process: str | None = None,
        container: str | None = None,
        tail: int | None = 100,
        since: datetime | None = None,
    ) -> Iterator[LogEntry]:
        """Give lines of an environment's containers, oldest first."""
        query = {
            "app": app,
            "process": process,
            "container": container,
            "tail": tail,
            "since": since.isoformat() if since else None,
        }
        return self._transport.lines(f"/v1/environments/{part(name)}/logs", LogEntry, query)

    def follow(
        self,
        name: str,
        *,
        app: str | None = None,
        process: str | None = None,
        container: str | None = None,
        tail: int | None = 100,
        since: datetime | None = None,
    ) -> Iterator[LogEntry]:
        """Give lines as they are written, over restarts of headway, each of them once."""
        query = {
            "app": app,
            "process": process,
            "container": container,
            "tail": tail,
            "since": since.isoformat() if since else None,
            "follow": "true",
        }
        seen: dict[str, int] = {}
        path = f"/v1/environments/{part(name)}/logs"
        for _, entry in self._transport.events(path, LogEntry, query):
            if entry.line.cursor > seen.get(entry.container, -1):
                seen[entry.container] = entry.line.cursor
                yield entry

    def container(
        self, identity: str, *, after: int = 0, tail: int | None = None, follow: bool = False
    ) -> Iterator[LogEntry]:
        """Give one container's lines."""
        query = {"after": after, "tail": tail, "follow": "true" if follow else "false"}
        return self._transport.lines(f"/v1/containers/{part(identity)}/logs", LogEntry, query)

    def build(self, identity: str, *, follow: bool = False) -> Iterator[LogEntry]:
        """Give a build's lines."""
        query = {"follow": "true" if follow else "false"}
        return self._transport.lines(f"/v1/builds/{part(identity)}/logs", LogEntry, query)

    def get_build(self, identity: str) -> Build:
        """Give a build."""
        return self._transport.call("GET", f"/v1/builds/{part(identity)}", Build)
