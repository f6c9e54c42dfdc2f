"""The loop over builds: a few at a time, oldest first, none that nobody needs any more."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import msgspec
import pytest

from headway.control.builds import Builds
from headway.model.app import Source
from headway.model.build import Artifact, Build, BuildState
from headway.model.deployment import Deployment, DeploymentKind, Phase
from headway.model.failure import Failure
from headway.model.ids import AppName, BuildId, DeploymentId, Digest
from headway.model.manifest import Manifest, Strategy
from tests.simulation.conftest import ENVIRONMENT


class PatientBuilder:
    """Fills the port: a build ends when a test says so."""

    def __init__(self) -> None:
        self.begun: list[BuildId] = []
        self.ends: dict[BuildId, asyncio.Future[Artifact | Failure]] = {}

    async def build(self, build: Build, manifest: Manifest) -> Artifact | Failure:
        self.begun.append(build.id)
        self.ends[build.id] = asyncio.get_running_loop().create_future()
        return await self.ends[build.id]

    def end(self, build: BuildId) -> None:
        self.ends[build].set_result(Artifact(digest=Digest("a"), slug=Digest("a")))


@pytest.fixture
async def builder(plane) -> AsyncIterator[PatientBuilder]:
    made = PatientBuilder()
    plane.world.builder = made
    builds = Builds(plane.world)
    loop = asyncio.create_task(builds.run())
    yield made
    loop.cancel()
    with suppress(asyncio.CancelledError):
        await loop
    await builds.close()


def named(number: int) -> BuildId:
    return BuildId(f"bld-{number}")


async def queue(plane, count: int) -> list[Deployment]:
    """Queue builds, each with a deployment that needs it."""
    now = plane.world.clock.now()
    made = {"created_at": now, "created_by": "me"}
    rows: list[Deployment] = []

    def deed(tx) -> None:
        for number in range(count):
            app = AppName(f"app{number}")
            digest = Digest(f"s{number}")
            manifest = Manifest(name=app, processes=())
            tx.put(Source(digest=digest, app=app, manifest=manifest, size_bytes=1, **made))
            tx.put(Build(id=named(number), app=app, source=digest, **made))
            row = Deployment(
                id=DeploymentId(f"dep-{number}"),
                environment=ENVIRONMENT,
                app=app,
                number=1,
                kind=DeploymentKind.DEPLOY,
                phase=Phase.BUILDING,
                strategy=Strategy.ROLLING,
                build=named(number),
                progress_at=now,
                **made,
            )
            rows.append(tx.put(row))

    await plane.store.write(deed)
    plane.world.bell.build(None)
    return rows


async def leave(plane, row: Deployment) -> None:
    """End a deployment as the loop over rollouts does."""
    ended = msgspec.structs.replace(row, phase=Phase.ABORTED, ended_at=plane.world.clock.now())
    await plane.store.write(lambda tx: tx.put(ended))
    plane.world.bell.build(row.build)


async def state(plane, number: int) -> BuildState:
    return (await plane.store.read(lambda reader: reader.get(Build, named(number)))).state


async def come_true(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.005)


async def test_two_at_a_time_and_the_oldest_first(plane, builder):
    await queue(plane, 4)
    await come_true(lambda: len(builder.begun) == 2)
    builder.end(named(1))
    await come_true(lambda: len(builder.begun) == 3)
    assert builder.begun == [named(0), named(1), named(2)]
    assert await state(plane, 1) is BuildState.SUCCEEDED
    assert await state(plane, 3) is BuildState.QUEUED


async def test_what_no_deployment_needs_is_cancelled_also_while_it_runs(plane, builder):
    rows = await queue(plane, 4)
    await come_true(lambda: len(builder.begun) == 2)
    await leave(plane, rows[3])
    await leave(plane, rows[0])
    await come_true(lambda: len(builder.begun) == 3)
    assert builder.begun[2] == named(2)
    assert builder.ends[named(0)].cancelled()
    assert await state(plane, 0) is await state(plane, 3) is BuildState.CANCELLED
    assert await state(plane, 1) is BuildState.RUNNING


async def test_an_end_costs_the_same_however_many_wait(plane, builder, monkeypatch):
    await queue(plane, 200)
    await come_true(lambda: len(builder.begun) == 2)
    decoded = 0
    read = plane.store.read

    async def counted(question):
        nonlocal decoded
        found = await read(question)
        decoded += len(found) if isinstance(found, list) else 1
        return found

    monkeypatch.setattr(plane.store, "read", counted)
    for number in range(10):
        builder.end(named(number))
        await come_true(lambda number=number: len(builder.begun) == number + 3)
    assert decoded < 10 * 10


async def test_what_was_left_while_headway_was_down_is_cancelled(plane):
    rows = await queue(plane, 2)
    await leave(plane, rows[0])
    plane.world.builder = builder = PatientBuilder()
    builds = Builds(plane.world)
    loop = asyncio.create_task(builds.run())
    await come_true(lambda: builder.begun == [named(1)])
    assert await state(plane, 0) is BuildState.CANCELLED
    loop.cancel()
    await builds.close()
