import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from headway.control.departures import Departures
from headway.control.fleet import Fleet
from headway.control.requests import HoldRequest, Invocation
from headway.control.runs import invoking, queues, runs
from headway.control.runs.dispatch import Dispatch
from headway.control.runs.scheduling import Schedules
from headway.control.world import World
from headway.model.build import Artifact
from headway.model.environment import Environment, EnvironmentState, Member
from headway.model.ids import AppName, Digest, EnvironmentId, NodeId
from headway.model.job import Job
from headway.model.lease import Tenure
from headway.model.manifest import Manifest
from headway.model.node import Node
from headway.model.queue import QueueHold
from headway.model.release import Release
from headway.model.resources import Resources
from headway.model.run import Run
from headway.model.settings import Settings
from headway.sim.engine import SimulatedEngine
from headway.stores.sqlite import SqliteStore

SMALL = Resources(cpu=0.1, memory_mib=32)
ENVIRONMENT = EnvironmentId("demo~1")
APP = AppName("shop")


class Clock:
    """The machine's, which a test may put forward."""

    ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def to_the_minute(self) -> None:
        """Have the next minute begin within a second."""
        now = datetime.now(UTC)
        self.ahead = timedelta(seconds=59) - timedelta(
            seconds=now.second, microseconds=now.microsecond
        )


class Plane:
    """The loops of jobs over a real store and a simulated engine."""

    def __init__(self, folder: Path, engine: SimulatedEngine) -> None:
        self._path = folder / "headway.db"
        self.engine = engine
        self.clock = Clock()
        self._tasks: list[asyncio.Task[None]] = []

    async def up(self) -> None:
        self.store = await SqliteStore.open(self._path)
        outside: Any = SimpleNamespace(mounts=lambda _artifact: (), http_port=1, mark=str)
        self.world = World(
            clock=self.clock,
            store=self.store,
            engine=self.engine,
            router=outside,
            sources=outside,
            builder=outside,
            vault=outside,  # nothing is sealed
            settings=Settings(),
            started_at=datetime.now(UTC),
            version="0",
        )
        self.fleet = Fleet(self.world)
        self.dispatch = Dispatch(self.world)
        self.schedules = Schedules(self.world, self.dispatch)
        self.departures = Departures(self.world, self.fleet)
        loops = (self.fleet.run, self.dispatch.run, self.schedules.run, self.departures.run)
        self._tasks = [asyncio.create_task(loop()) for loop in loops]
        await self.dispatch.opened.wait()
        await self.departures.opened.wait()
        async with asyncio.timeout(5):
            while not self.world.nodes:
                await asyncio.sleep(0.01)

    async def down(self) -> None:
        """End as `kill -9` does: nothing is told to anybody."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        await self.dispatch.close()
        await self.fleet.close()
        await self.store.close()

    async def release(self, *jobs: Job, number: int = 1, **manifest: Any) -> None:
        """Make a release of these jobs live."""
        now = datetime.now(UTC)

        def deed(tx):
            if tx.get(Environment, ENVIRONMENT) is None:
                tx.put(
                    Environment(
                        id=ENVIRONMENT,
                        state=EnvironmentState.ACTIVE,
                        lease=Tenure(holder="me", until=None),
                        created_at=now,
                        created_by="me",
                    )
                )
            tx.put(
                Release(
                    environment=ENVIRONMENT,
                    app=APP,
                    number=number,
                    fingerprint=str(number),
                    artifact=Artifact(digest=Digest("a"), slug=Digest("a")),
                    manifest=Manifest(name=APP, processes=(), jobs=jobs, **manifest),
                    source=Digest("s"),
                    created_at=now,
                    created_by="me",
                )
            )
            member = tx.get(Member, ENVIRONMENT, APP) or Member(environment=ENVIRONMENT, app=APP)
            tx.put(msgspec.structs.replace(member, live=number))

        await self.store.write(deed)
        self.world.bell.member((ENVIRONMENT, APP))

    async def invoke(self, job: str, *wishes: Invocation) -> list[Run]:
        return await invoking.invoke(
            self.world, self.dispatch, "me", "demo", job, wishes or (Invocation(),)
        )

    async def run(self, job: str, **wish: Any) -> Run:
        (made,) = await self.invoke(job, wishing(**wish))
        return made

    async def hold(self, queue: str = "default", **said: Any) -> QueueHold:
        """Pause a queue, have it drain, or let it go on."""
        request = HoldRequest(environment="demo", app=APP, queue=queue, **said)
        return await queues.hold(self.world, self.dispatch, "me", request)

    async def ended(self, run: Run, within_s: float = 10) -> Run:
        async with asyncio.timeout(within_s):
            while True:
                row = await runs.one(self.world, run.id)
                if row.is_ended:
                    return row
                await asyncio.sleep(0.01)

    async def until(self, run: Run, *states: str, within_s: float = 10) -> Run:
        async with asyncio.timeout(within_s):
            while True:
                row = await runs.one(self.world, run.id)
                if row.state in states:
                    return row
                await asyncio.sleep(0.005)


def wishing(parameters: dict[str, Any] | None = None, **options: Any) -> Invocation:
    raw = msgspec.Raw(msgspec.json.encode(parameters or {}))
    return Invocation(parameters=raw, **options)


@pytest.fixture
def engine() -> SimulatedEngine:
    return SimulatedEngine([Node(id=NodeId("here"), cpu=4, memory_mib=4096)])


@pytest.fixture
async def plane(tmp_path, engine) -> AsyncIterator[Plane]:
    made = Plane(tmp_path, engine)
    await made.up()
    yield made
    await made.down()
