"""Log lines of containers, alone or merged."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import Any

from headway.control import builds, containers, lookup
from headway.control.errors import Invalid, NotFound, Unavailable
from headway.control.requests import LogQuestion
from headway.control.runs import runs
from headway.control.world import World
from headway.model.build import Build
from headway.model.container import Container
from headway.model.environment import Environment, EnvironmentState
from headway.model.ids import AppName, ContainerId
from headway.model.log import LogLine
from headway.model.run import Attempt, Run
from headway.model.view.log import LogEntry
from headway.ports.engine import EngineUnavailable, NoSuchContainer
from headway.ports.store import Reader

_SOURCES_MAX = 200
"""Containers whose lines are merged in one answer."""
_WAITING_MAX = 1000
"""Lines read ahead of a slow reader."""
_AGAIN_S = 0.5
"""Until an engine that does not answer is asked again for what is followed."""
_BEHIND = timedelta(seconds=1)
"""By so much a line may come later than a newer one of another container."""
_ENDED_SHOWN = 5
"""Ended containers per app whose lines are part of a merged answer."""


async def container(
    world: World, identity: str, *, after: int = 0, tail: int | None = None, follow: bool = False
) -> AsyncIterator[LogEntry]:
    """Give one container's lines, oldest first.

    Raises:
        NotFound: There is no such container; nothing is kept of it, once that is found.
    """
    row = await containers.one(world, identity)
    lines = lines_of(world, row.id, after=after, tail=tail, follow=follow)
    return (entry_of(row, line) async for line in lines)


async def run(
    world: World,
    identity: str,
    *,
    attempt: int | None = None,
    after: int = 0,
    tail: int | None = None,
    follow: bool = False,
) -> AsyncGenerator[LogEntry, None]:
    """Give the lines of a run's attempt, the newest when none is said, oldest first.

    Raises:
        NotFound: There is no such run, or no such attempt of it.
    """
    row = await runs.one(world, identity)
    found = next((one for one in reversed(row.attempts) if attempt in (None, one.number)), None)
    if found is None and attempt is not None:
        raise NotFound("attempt-unknown", f"{identity} has {len(row.attempts)} attempts")
    return _run_lines(world, row, found, after, tail, follow)


async def _run_lines(
    world: World, row: Run, attempt: Attempt | None, after: int, tail: int | None, follow: bool
) -> AsyncGenerator[LogEntry, None]:
    if attempt is None:
        return
    lines = world.engine.run_logs(row.id, attempt.number, after=after, tail=tail, follow=follow)
    async for line in lines:
        yield LogEntry(
            container=attempt.runner,
            app=row.app,
            label=row.job,
            release=attempt.release,
            line=line,
        )


async def build(
    world: World, identity: str, *, after: int = 0, tail: int | None = None, follow: bool = False
) -> AsyncIterator[LogEntry]:
    """Give a build's lines, oldest first. One that needed no container has none.

    Raises:
        NotFound: There is no such build.
    """
    return _build_lines(world, await builds.one(world, identity), after, tail, follow)


async def _build_lines(
    world: World, row: Build, after: int, tail: int | None, follow: bool
) -> AsyncIterator[LogEntry]:
    if row.container is None:
        return
    with suppress(NotFound):
        async for line in lines_of(world, row.container, after=after, tail=tail, follow=follow):
            yield LogEntry(
                container=row.container, app=row.app, label="build", release=0, line=line
            )


async def merged(world: World, name: str, question: LogQuestion) -> AsyncIterator[LogEntry]:
    """Give the lines of an environment's containers, oldest first; with `follow`, new ones too.

    Containers that start meanwhile join in. When following, lines of different containers come
    as they are written; otherwise they are sorted by time.

    Raises:
        NotFound: The environment, an app or a container is not there.
        Invalid: Too many containers match.
    """
    rows, sequence = await chosen(world, name, question)
    if question.follow:
        return _Merge(world, name, question).run(rows, sequence)
    return _past(world, rows, question, {})


async def chosen(world: World, name: str, question: LogQuestion) -> tuple[list[Container], int]:
    """Find the containers, and the sequence behind which further ones are announced.

    Raises:
        NotFound: The environment, an app or a container is not there.
        Invalid: Too many containers match.
    """

    def ask(reader: Reader) -> tuple[list[Container], int]:
        find = lookup.environment if question.follow else lookup.last_life
        owner = find(reader, name)
        found = {row.id: row for row in _named(reader, owner, question)}
        if question.apps or not question.containers:
            for app in question.apps or (None,):
                found |= {row.id: row for row in _recent(reader, owner, app)}
        newest = reader.events(newest_first=True, limit=1)
        rows = [row for row in found.values() if _matches(row, question)]
        return rows, newest[0].sequence if newest else 0

    rows, sequence = await world.store.read(ask)
    if len(rows) > _SOURCES_MAX:
        raise Invalid(
            "too-many-containers",
            f"{len(rows)} containers match; at most {_SOURCES_MAX} are merged",
            next=(f"headway logs -e {name} APP",),
        )
    return sorted(rows, key=lambda row: row.created_at), sequence


def _recent(reader: Reader, owner: Environment, app: AppName | None) -> list[Container]:
    """List the containers that are not forgotten, and the last few of each app that ended."""
    fields: dict[str, Any] = {"app": app} if app else {}
    live = reader.find(Container, environment=owner.id, retired=False, **fields)
    ended = reader.find(
        Container,
        environment=owner.id,
        retired=True,
        newest_first=True,
        limit=_SOURCES_MAX,
        **fields,
    )
    counts: Counter[AppName] = Counter()
    for row in ended:
        counts[row.app] += 1
        if counts[row.app] <= _ENDED_SHOWN:
            live.append(row)
    return live


def _named(reader: Reader, owner: Environment, question: LogQuestion) -> list[Container]:
    for app in question.apps if owner.state is not EnvironmentState.ENDED else ():
        lookup.member(reader, owner, app)
    return [_one(reader, owner, identity) for identity in question.containers]


def _one(reader: Reader, owner: Environment, identity: ContainerId) -> Container:
    row = reader.get(Container, identity)
    if row is None or row.environment != owner.id:
        raise NotFound(
            "container-unknown",
            f"there is no container {identity} in {owner.name}",
            hint="if there was one, its lines are kept no longer",
            next=(f"headway ps -e {owner.name}",),
        )
    return row


def _matches(row: Container, question: LogQuestion) -> bool:
    named = row.app in question.apps or row.id in question.containers
    anything = not question.apps and not question.containers
    return (named or anything) and (question.process is None or row.process == question.process)


async def _past(
    world: World, rows: list[Container], question: LogQuestion, cursors: dict[ContainerId, int]
) -> AsyncIterator[LogEntry]:
    """Give what was written, sorted by time, and note where each container's log ends."""
    ordered = _ordered(world, rows, question, cursors)
    if question.tail is None:
        async for entry in ordered:
            yield entry
        return
    last: deque[LogEntry] = deque(maxlen=question.tail)
    async for entry in ordered:
        last.append(entry)
    for entry in last:
        yield entry


async def _ordered(
    world: World, rows: list[Container], question: LogQuestion, cursors: dict[ContainerId, int]
) -> AsyncIterator[LogEntry]:
    """Merge logs, each in order of time itself, holding one line of each."""
    tail = None if question.tail is None else max(question.tail, 1)  # one tells where it ends
    logs = [lines_of(world, row.id, tail=tail) for row in rows]
    heap: list[tuple[datetime, int, LogLine]] = []

    async def advance(number: int) -> None:
        with suppress(NotFound):
            line = await anext(logs[number], None)
            if line is not None:
                heappush(heap, (line.at, number, line))

    for number in range(len(logs)):
        await advance(number)
    while heap:
        at, number, line = heappop(heap)
        cursors[rows[number].id] = line.cursor
        if question.since is None or at >= question.since:
            yield entry_of(rows[number], line)
        await advance(number)


class _Merge:
    """Follows several containers into one bounded queue."""

    def __init__(self, world: World, name: str, question: LogQuestion) -> None:
        self._world = world
        self._name = name
        self._question = question
        self._queue: asyncio.Queue[LogEntry | Exception] = asyncio.Queue(_WAITING_MAX)
        self._tasks: dict[ContainerId, asyncio.Task[None]] = {}
        self._since = question.since

    async def run(self, rows: list[Container], sequence: int) -> AsyncIterator[LogEntry]:
        cursors = dict(self._question.after)
        if not cursors:
            async for entry in _past(self._world, rows, self._question, cursors):
                yield entry
        elif self._since is None:
            self._since = await _last_known(self._world, cursors)
        for row in rows:
            if row.started_at is not None:  # others have no log yet, and join when they have
                self._join(row, cursors.get(row.id, 0))
        watching = self._telling(self._watch(sequence))
        joining = asyncio.create_task(watching, name="logs joining")
        try:
            while True:
                got = await self._queue.get()
                if isinstance(got, Exception):
                    raise got
                yield got
        finally:
            joining.cancel()
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(joining, *self._tasks.values(), return_exceptions=True)

    def _join(self, row: Container, after: int) -> None:
        if row.id not in self._tasks:
            name = f"logs {row.id}"
            following = self._telling(self._follow(row, after))
            self._tasks[row.id] = asyncio.create_task(following, name=name)

    async def _telling(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it; who reads is told when it fails, and does not wait for lines that cannot come."""
        try:
            await work
        except Exception as error:  # noqa: BLE001 (whatever it is, who reads gets it)
            await self._queue.put(error)

    async def _follow(self, row: Container, after: int) -> None:
        since = None if row.id in self._question.after else self._since
        with suppress(NotFound):
            async for line in lines_of(self._world, row.id, after=after, follow=True):
                if since is None or line.at >= since:
                    await self._queue.put(entry_of(row, line))

    async def _watch(self, sequence: int) -> None:
        """Join containers as they start."""
        async for event in self._world.store.follow(sequence):
            if not event.kind.startswith("container.") or event.environment is None:
                continue
            row = await self._world.store.read(
                lambda reader, event=event: reader.get(Container, event.subject)  # type: ignore[misc]
            )
            if row is not None and row.ports is not None and not row.is_ended:
                named = row.environment.startswith(f"{self._name}~")
                if named and _matches(row, self._question) and row.started_at is not None:
                    self._join(row, 0)


async def _last_known(world: World, after: Mapping[ContainerId, int]) -> datetime | None:
    """Say up to when a stream that broke off had come, so that older lines do not come after all.

    Those of different containers come as they are written: one may be a little behind another.
    """
    known: list[datetime] = []
    for identity, cursor in after.items():
        with suppress(NotFound, Unavailable):
            last = lines_of(world, identity, before=cursor + 1, tail=1)
            known += [line.at async for line in last]
    return max(known) - _BEHIND if known else None


async def lines_of(
    world: World,
    identity: ContainerId,
    *,
    after: int = 0,
    before: int | None = None,
    tail: int | None = None,
    follow: bool = False,
) -> AsyncIterator[LogLine]:
    """Give one container's lines, whatever becomes of its engine meanwhile.

    Raises:
        NotFound: Nothing is kept of it.
        Unavailable: Its engine does not answer, and the lines are not followed.
    """
    while True:
        try:
            async for line in world.engine.logs(
                identity, after=after, before=before, tail=tail, follow=follow
            ):
                after, tail = line.cursor, None
                yield line
        except NoSuchContainer as error:
            raise NotFound("log-gone", f"nothing is kept of {identity}: {error}") from error
        except EngineUnavailable as error:
            if not follow:
                raise Unavailable("engine-unavailable", str(error)) from error
            await asyncio.sleep(_AGAIN_S)
        else:
            return


def entry_of(row: Container, line: LogLine) -> LogEntry:
    """Say who wrote a line."""
    return LogEntry(container=row.id, app=row.app, label=row.label, release=row.release, line=line)
