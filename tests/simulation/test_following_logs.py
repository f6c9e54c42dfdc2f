"""Whose lines are heard by who follows them."""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import msgspec

from headway.control.queries import logs
from headway.control.requests import LogQuestion
from headway.model.container import Container
from headway.model.environment import Environment, EnvironmentState
from headway.model.event import Event
from headway.model.ids import ContainerId, NodeId
from headway.model.lease import Tenure
from headway.model.log import LogLine, Stream
from headway.ports.engine import NoSuchContainer
from headway.sim.store import MemoryStore
from tests.simulation.conftest import APP, ENVIRONMENT

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Engine:
    """Keeps a log of what has started."""

    def __init__(self) -> None:
        self.lines: dict[str, list[LogLine]] = {}

    async def logs(self, container: str, **_options: Any):
        if container not in self.lines:
            raise NoSuchContainer(container)
        for line in self.lines[container]:
            yield line


async def test_a_container_that_starts_when_its_lines_are_followed_already_is_heard():
    world: Any = SimpleNamespace(store=MemoryStore(), engine=Engine())
    row = Container(
        id=ContainerId("web-1"),
        environment=ENVIRONMENT,
        app=APP,
        process="web",
        release=1,
        node=NodeId("n1"),
        created_at=NOW,
        ports={},
    )
    demo = Environment(
        id=ENVIRONMENT,
        state=EnvironmentState.ACTIVE,
        lease=Tenure(holder="me", until=None),
        created_at=NOW,
        created_by="me",
    )
    _, row = await world.store.write(lambda tx: (tx.put(demo), tx.put(row)))
    lines = await logs.merged(world, "demo", LogQuestion(follow=True))
    first = asyncio.create_task(anext(lines))
    for _ in range(100):  # so that it has looked for a log, were it to
        await asyncio.sleep(0)
    world.engine.lines[row.id] = [LogLine(at=NOW, stream=Stream.STDOUT, text="hello", cursor=1)]

    def starts(tx: Any) -> None:
        tx.put(msgspec.structs.replace(row, started_at=NOW))
        tx.record(
            Event(at=NOW, actor="n1", kind="container.started", subject=row.id, environment=demo.id)
        )

    await world.store.write(starts)
    async with asyncio.timeout(5):
        assert (await first).line.text == "hello"
    await lines.aclose()
