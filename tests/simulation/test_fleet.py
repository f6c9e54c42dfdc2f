"""What the fleet makes of a listing that takes its time."""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from headway.control import containers
from headway.control.errors import Conflict
from headway.control.fleet import Fleet
from headway.control.world import World
from headway.model.build import Artifact
from headway.model.container import Container, ContainerState
from headway.model.environment import Member
from headway.model.ids import AppName, ContainerId, Digest, NodeId
from headway.model.manifest import Manifest, Process
from headway.model.node import Node
from headway.model.release import Release
from headway.model.settings import Settings
from headway.sim.engine import SimulatedEngine
from headway.sim.outside import SimulatedBuilder, SimulatedRouter, SimulatedVault
from headway.sim.store import MemoryStore
from tests.simulation.conftest import APP, ENVIRONMENT, SMALL

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class SlowListing(SimulatedEngine):
    """An engine whose listing is as old as the gate lets it be when it arrives."""

    def __init__(self) -> None:
        super().__init__([Node(id=NodeId("n1"), cpu=4, memory_mib=4096)])
        self.asked, self.gate, self.doubted = (asyncio.Event() for _ in range(3))

    async def usage(self, container):
        self.doubted.set()
        return await super().usage(container)

    async def observe(self):
        listings = self.listings()
        self.asked.set()
        await self.gate.wait()
        for listing in listings:
            yield listing
        await asyncio.Event().wait()


def container(name: str, **fields: Any) -> Container:
    return Container(
        id=ContainerId(name),
        environment=ENVIRONMENT,
        app=APP,
        process="web",
        release=1,
        node=NodeId("n1"),
        resources=SMALL,
        created_at=NOW,
        **fields,
    )


def a_world(engine: SimulatedEngine) -> World:
    store = MemoryStore()
    web = Process(name="web", command="serve", resources=SMALL)
    release = Release(
        environment=ENVIRONMENT,
        app=APP,
        number=1,
        fingerprint="1",
        artifact=Artifact(digest=Digest("a"), slug=Digest("a")),
        manifest=Manifest(name=AppName(APP), processes=(web,)),
        source=Digest("s"),
        created_at=NOW,
        created_by="me",
    )
    store.do(lambda tx: (tx.put(release), tx.put(Member(environment=ENVIRONMENT, app=APP))))
    outside: Any = SimpleNamespace()
    return World(
        clock=SimpleNamespace(now=lambda: NOW),
        store=store,
        engine=engine,
        router=SimulatedRouter(),
        sources=outside,
        builder=SimulatedBuilder(lambda: 0.0),
        vault=SimulatedVault(),
        settings=Settings(),
        started_at=NOW,
        version="0",
    )


async def until(condition) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def test_what_is_started_while_a_listing_is_under_way_is_not_lost():
    engine = SlowListing()
    world = a_world(engine)
    fleet = Fleet(world)
    following = asyncio.create_task(fleet.run())
    await engine.asked.wait()
    row = await world.store.write(lambda tx: tx.put(container("late")))
    fleet.act(row)
    await until(lambda: "late" in engine.containers)
    engine.gate.set()
    async with asyncio.timeout(20):
        await engine.doubted.wait()
    following.cancel()
    await fleet.close()
    after = await world.store.read(lambda reader: reader.get(Container, "late"))
    assert after.state is ContainerState.HEALTHY


async def test_what_is_there_no_more_is_lost():
    engine = SlowListing()
    world = a_world(engine)
    await world.store.write(lambda tx: tx.put(container("gone", state=ContainerState.HEALTHY)))
    engine.gate.set()
    fleet = Fleet(world)
    following = asyncio.create_task(fleet.run())
    lost = asyncio.Event()
    world.bell.observed.calls(lambda row: row.state is ContainerState.LOST and lost.set())
    async with asyncio.timeout(20):
        await lost.wait()
    following.cancel()
    await fleet.close()


async def test_what_is_there_is_reserved_before_a_listing_lets_anybody_place():
    engine = SlowListing()
    world = a_world(engine)
    row = container("old", state=ContainerState.HEALTHY)
    await world.store.write(lambda tx: tx.put(row))
    fleet = Fleet(world)
    following = asyncio.create_task(fleet.run())
    await engine.asked.wait()
    assert world.fleet.reserved(NodeId("n1")).cpu == SMALL.cpu
    following.cancel()
    await fleet.close()


def test_what_was_read_of_a_container_before_it_ended_holds_nothing_afterwards():
    world = a_world(SlowListing())
    before = container("one", state=ContainerState.HEALTHY, version=1)
    world.note(before)
    assert world.containers_on(NodeId("n1")) == ("one",)
    world.note(msgspec.structs.replace(before, state=ContainerState.LOST, version=2))
    world.note(before)
    assert world.containers_on(NodeId("n1")) == ()
    assert world.fleet.reserved(NodeId("n1")).cpu == 0


def test_so_many_ended_containers_are_remembered_and_no_more():
    world = a_world(SlowListing())
    for number in range(10_100):
        world.note(container(f"c{number}", state=ContainerState.EXITED, version=2))
    assert len(world.ended) == 10_000
    assert "c0" not in world.ended


async def test_history_says_why_a_command_that_was_asked_for_was_not_run():
    world = a_world(SlowListing())
    row = container("one", state=ContainerState.HEALTHY)
    await world.store.write(lambda tx: tx.put(row))
    with pytest.raises(Conflict, match="does not run"):
        await containers.exec(world, "ana", "one", ("ls", "-l"), None)
    events = await world.store.read(lambda reader: reader.events(subject="one"))
    assert [(one.kind, one.actor, one.because) for one in events] == [
        ("container.exec", "ana", "ana asked to run ls"),
        (
            "container.exec_refused",
            "ana",
            "ls was not run: one is simulated: nothing can be run in it",
        ),
    ]
