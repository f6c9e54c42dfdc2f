"""Log lines."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from headway.model.view.log import LogEntry
from headway.sdk.transport import Transport, part


class Logs:
    """Logs of containers and builds."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def environment(
        self,
        name: str,
        *,
        apps: Sequence[str] = (),
        containers: Sequence[str] = (),
        process: str | None = None,
        tail: int | None = 100,
        since: datetime | None = None,
    ) -> Iterator[LogEntry]:
        """Give lines of an environment's containers, oldest first.

        Args:
            name: The environment.
            apps: With `containers`: those of any of them. Neither: all.
            containers: By id.
            process: Only of this process type.
            tail: Lines at the most; None: all that is kept.
            since: Only what is as young; aware.
        """
        query = _query(apps, containers, process, tail, since)
        return self._transport.lines(f"/v1/environments/{part(name)}/logs", LogEntry, query)

    def follow(
        self,
        name: str,
        *,
        apps: Sequence[str] = (),
        containers: Sequence[str] = (),
        process: str | None = None,
        tail: int | None = 100,
        since: datetime | None = None,
    ) -> Iterator[LogEntry]:
        """Give lines as they are written, over restarts of headway, each of them once."""
        seen: dict[str, int] = {}
        began: datetime | None = None

        def query() -> dict[str, Any]:
            """Ask for what is behind the lines seen, and for what the other containers wrote."""
            asked = _query(apps, containers, process, tail, began or since)
            after = [f"{container}:{cursor}" for container, cursor in seen.items()]
            return asked | {"follow": "true", "after": after}

        path = f"/v1/environments/{part(name)}/logs"
        for _, entry in self._transport.events(path, LogEntry, query):
            if entry is not None and entry.line.cursor > seen.get(entry.container, -1):
                began = began or entry.line.at
                seen[entry.container] = entry.line.cursor
                yield entry

    def container(
        self, identity: str, *, after: int = 0, tail: int | None = None, follow: bool = False
    ) -> Iterator[LogEntry]:
        """Give one container's lines; with `follow` until it ends, over restarts of headway."""
        return self._one(f"/v1/containers/{part(identity)}/logs", after, tail, follow)

    def build(self, identity: str, *, follow: bool = False) -> Iterator[LogEntry]:
        """Give a build's lines; with `follow` until it ends, over restarts of headway."""
        return self._one(f"/v1/builds/{part(identity)}/logs", 0, None, follow)

    def _one(self, path: str, after: int, tail: int | None, follow: bool) -> Iterator[LogEntry]:
        if not follow:
            yield from self._transport.lines(path, LogEntry, {"after": after, "tail": tail})
            return
        cursor: int | None = None

        def query() -> dict[str, Any]:
            if cursor is None:
                return {"after": after, "tail": tail, "follow": "true"}
            return {"after": cursor, "follow": "true"}

        for entry in self._transport.lines_resumed(path, LogEntry, query):
            cursor = entry.line.cursor
            yield entry


def _query(
    apps: Sequence[str],
    containers: Sequence[str],
    process: str | None,
    tail: int | None,
    since: datetime | None,
) -> dict[str, Any]:
    return {
        "app": list(apps),
        "container": list(containers),
        "process": process,
        "tail": tail,
        "since": since.isoformat() if since else None,
    }
