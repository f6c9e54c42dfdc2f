import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

import msgspec
import pytest

from headway.control.queries.logs import _Merge
from headway.control.requests import LogQuestion
from headway.model.event import Event
from headway.model.log import LogLine
from tests.unit.web.members import NOW
from tests.unit.web.pictures.things import container


class Store:
    """In which nothing happens."""

    async def follow(self, after: int) -> AsyncIterator[Event]:
        await asyncio.Event().wait()
        yield


class Engine:
    """That cannot read a log."""

    async def logs(self, _container: str, **_question: object) -> AsyncIterator[LogLine]:
        raise OSError("too many open files")
        yield


class Place(NamedTuple):
    """As much of a world as following needs."""

    store: Store
    engine: Engine


async def test_who_follows_is_told_when_no_line_can_come_any_more():
    row = container(1, healthy=1, ended=None, answer="")
    row = msgspec.structs.replace(row, started_at=NOW)
    question = LogQuestion(follow=True, since=NOW, after={row.id: 1})
    lines = _Merge(Place(Store(), Engine()), "demo", question).run([row], 0)
    with pytest.raises(OSError, match="too many open files"):
        async with asyncio.timeout(20):
            await anext(lines)
