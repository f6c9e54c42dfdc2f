"""Log lines of containers, alone or merged."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from headway.control import builds, containers, lookup
from headway.control.errors import Invalid, NotFound, Unavailable
from headway.control.requests import LogQuestion
from headway.control.world import World
from headway.model.container import Container
from headway.model.ids import AppName, ContainerId
from headway.model.log import LogLine
from headway.model.view import LogEntry
from headway.ports.engine import EngineUnavailable, NoSuchContainer
from headway.ports.store import Reader

_SOURCES_MAX = 200
"""Containers whose lines are merged in one answer."""
_WAITING_MAX = 1000
"""Lines read ahead of a slow reader."""
_ENDED_SHOWN = 5
"""Ended containers per app whose lines are part of a merged answer."""


async def container(
    world: World, identity: str, *, after: int = 0, tail: int | None = None, follow: bool = False
) -> AsyncIterator[LogEntry]:
    """Give one container's lines, oldest first.

    Raises:
        NotFound: Nothing is kept of it.
    """
    row = await containers.one(world, identity)
    async for line in _lines(world, row.id, after, tail, follow):
        yield _entry(row, line)


async def build(
    world: World, identity: str, *, after: int = 0, tail: int | None = None, follow: bool = False
) -> AsyncIterator[LogEntry]:
    """Give a build's lines, oldest first. One that needed no container has none.

    Raises:
        NotFound: There is no such build.
    """
    row = await builds.one(world, identity)
    if row.container is None:
        return
    try:
        async for line in _lines(world, row.container, after, tail, follow):
            yield LogEntry(
                container=row.container, app=row.app, label="build", release=0, line=line
            )
    except NotFound:
        return


async def merged(world: World, name: str, question: LogQuestion) -> AsyncIterator[LogEntry]:
    """Give the lines of an environment's containers, oldest first; with `follow`, new ones too.

    Containers that start meanwhile join in. When following, lines of different containers come
    as they are written; otherwise they are sorted by time.

    Raises:
        NotFound: The environment is not there.
        Invalid: Too many containers match.
    """
    rows = await _matching(world, name, question)
    if not question.follow:
        for entry in await _sorted(world, rows, question):
            yield entry
        return
    async for entry in _Merge(world, name, question).run(rows):
        yield entry


async def _matching(world: World, name: str, question: LogQuestion) -> list[Container]:
    def ask(reader: Reader) -> list[Container]:
        owner = lookup.environment(reader, name)
        if question.app is not None:
            lookup.member(reader, owner, question.app)
        fields: dict[str, Any] = {"app": question.app} if question.app else {}
        live = reader.find(Container, environment=owner.id, retired=False, **fields)
        ended = reader.find(
            Container,
            environment=owner.id,
            retired=True,
            newest_first=True,
            limit=_SOURCES_MAX,
            **fields,
        )
        counts: dict[AppName, int] = {}
        for row in ended:
            counts[row.app] = counts.get(row.app, 0) + 1
            if counts[row.app] <= _ENDED_SHOWN or row.id == question.container:
                live.append(row)
        return [row for row in live if _matches(row, question)]

    rows = await world.store.read(ask)
    if len(rows) > _SOURCES_MAX:
        raise Invalid(
            "too-many-containers",
            f"{len(rows)} containers match; at most {_SOURCES_MAX} are merged",
            next=(f"headway logs -e {name} APP",),
        )
    return sorted(rows, key=lambda row: row.created_at)


def _matches(row: Container, question: LogQuestion) -> bool:
    return (
        (question.app is None or row.app == question.app)
        and (question.process is None or row.process == question.process)
        and (question.container is None or row.id == question.container)
    )


async def _sorted(world: World, rows: list[Container], question: LogQuestion) -> list[LogEntry]:
    """Read the last lines of each container and sort them by time; the last of all are given."""
    entries: list[LogEntry] = []
    for row in rows:
        try:
            entries += [
                _entry(row, line)
                async for line in _lines(world, row.id, 0, question.tail, follow=False)
                if question.since is None or line.at >= question.since
            ]
        except NotFound:
            continue
    entries.sort(key=lambda entry: entry.line.at)
    return entries[-question.tail :] if question.tail is not None else entries


class _Merge:
    """Follows several containers into one bounded queue."""

    def __init__(self, world: World, name: str, question: LogQuestion) -> None:
        self._world = world
        self._name = name
        self._question = question
        self._queue: asyncio.Queue[LogEntry] = asyncio.Queue(_WAITING_MAX)
        self._tasks: dict[ContainerId, asyncio.Task[None]] = {}

    async def run(self, rows: list[Container]) -> AsyncIterator[LogEntry]:
        world = self._world
        past = await _sorted(world, rows, self._question)
        seen = {row.id: 0 for row in rows}
        for entry in past:
            seen[entry.container] = max(seen[entry.container], entry.line.cursor)
            yield entry
        for row in rows:
            self._join(row, seen.get(row.id, 0))
        joining = asyncio.create_task(self._watch(), name="logs joining")
        try:
            while True:
                yield await self._queue.get()
        finally:
            joining.cancel()
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(joining, *self._tasks.values(), return_exceptions=True)

    def _join(self, row: Container, after: int) -> None:
        if row.id in self._tasks:
            return
        self._tasks[row.id] = asyncio.create_task(self._follow(row, after), name=f"logs {row.id}")

    async def _follow(self, row: Container, after: int) -> None:
        while True:
            try:
                async for line in _lines(self._world, row.id, after, None, follow=True):
                    after = line.cursor
                    if self._question.since is None or line.at >= self._question.since:
                        await self._queue.put(_entry(row, line))
            except NotFound:
                return
            except Unavailable:
                await asyncio.sleep(0.5)
            else:
                return

    async def _watch(self) -> None:
        """Join containers as they start."""
        async for event in self._world.store.follow():
            if not event.kind.startswith("container.") or event.environment is None:
                continue
            row = await self._world.store.read(
                lambda reader, event=event: reader.get(Container, event.subject)  # type: ignore[misc]
            )
            if row is not None and row.ports is not None and not row.is_ended:
                named = row.environment.startswith(f"{self._name}~")
                if named and _matches(row, self._question) and row.started_at is not None:
                    self._join(row, 0)


async def _lines(
    world: World, identity: ContainerId, after: int, tail: int | None, follow: bool
) -> AsyncIterator[LogLine]:
    try:
        async for line in world.engine.logs(identity, after=after, tail=tail, follow=follow):
            yield line
    except NoSuchContainer as error:
        raise NotFound("log-gone", f"nothing is kept of {identity}: {error}") from error
    except EngineUnavailable as error:
        raise Unavailable("engine-unavailable", str(error)) from error


def _entry(row: Container, line: LogLine) -> LogEntry:
    return LogEntry(container=row.id, app=row.app, label=row.label, release=row.release, line=line)
