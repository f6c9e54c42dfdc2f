"""How an app does, in one word and one sentence: what is wrong with it, and what comes."""

import asyncio
import random
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import msgspec
import pytest

from headway.control import deploying, standings
from headway.control.queries import apps, why
from headway.control.queries.why_of_app import of_process
from headway.control.requests import DeployRequest
from headway.control.rollout import rollouts
from headway.model.app import App, Source
from headway.model.build import Artifact
from headway.model.container import Container, ContainerState
from headway.model.deployment import DeploymentKind, Phase
from headway.model.environment import Environment, EnvironmentState, Member
from headway.model.ids import AppName, ContainerId, Digest, NodeId
from headway.model.lease import Tenure
from headway.model.log import LogLine, Stream
from headway.model.manifest import CheckType, Deploy, Expose, HealthCheck, Manifest, Process
from headway.model.node import Node
from headway.model.pool import NodeType, Pool, Scaling
from headway.model.release import Release
from headway.model.resources import Resources
from headway.model.settings import Settings
from headway.model.view.standing import MemberState, Standing
from headway.sim.engine import SimulatedEngine
from headway.sim.network import MadeUpNetwork
from headway.sim.outside import SimulatedRouter
from headway.sim.plane import Plane, Ports
from headway.sim.provider import SimulatedProvider
from headway.sim.store import MemoryStore
from headway.sim.virtual import VirtualLoop, run_virtually
from tests.simulation.conftest import APP, ENVIRONMENT
from tests.simulation.pools_world import BEGAN, LoopClock

TCP = HealthCheck(type=CheckType.TCP)
HALF = Resources(cpu=0.5, memory_mib=256)
WEB = Process(name="web", command="exec sleep 600", resources=HALF, scale=1)
KIND = NodeType(name="small", cpu=1, memory_mib=4096, start_s=60)


class Shop:
    """An app that serves on one node of one core, half of which each of its copies takes."""

    def __init__(self, loop: VirtualLoop, web: Process, *, lends: bool) -> None:
        clock = LoopClock(loop)
        self.store = MemoryStore()
        self.store.do(partial(_serving, web=web))
        self.engine = engine = SimulatedEngine([Node(id="here", cpu=1, memory_mib=4096)], clock.now)
        provider = SimulatedProvider([KIND], clock=clock, joined=engine.join, left=engine.leave)
        self.plane = Plane(
            wall=clock.now,
            ports=Ports(self.store, engine, SimulatedRouter(), provider if lends else None),
            settings=Settings(),
            chance=random.Random(1),
            is_mortal=False,
        )
        self.world = self.plane.world

    async def scale(self, copies: int) -> None:
        wish = DeployRequest(kind=DeploymentKind.SCALE, scale={"web": copies})
        await deploying.deploy(self.world, "me", "demo", APP, wish)
        await asyncio.sleep(5)

    async def standing(self) -> Standing:
        ((found,),) = [one.members for one in await standings.listing(self.world)]
        return found

    async def grow(self, nodes_max: int) -> None:
        pool = Pool(types=(KIND,), scaling=Scaling(nodes_max=nodes_max))
        self.store.do(lambda tx: tx.put(pool))
        self.world.fleet.put_pool(pool)
        self.world.bell.pool()


def _serving(tx, web: Process) -> None:
    shape = Manifest(name=APP, processes=(web,), deploy=Deploy(progress_deadline_s=3600))
    digest = Digest("sha256:1")
    tx.put(
        Environment(
            id=ENVIRONMENT,
            state=EnvironmentState.ACTIVE,
            lease=Tenure(holder="me", until=None),
            created_at=BEGAN,
            created_by="me",
        )
    )
    tx.put(
        Source(
            digest=digest, app=APP, manifest=shape, size_bytes=1, created_at=BEGAN, created_by="me"
        )
    )
    tx.put(App(name=APP, source=digest, updated_at=BEGAN))
    tx.put(
        Release(
            environment=ENVIRONMENT,
            app=APP,
            number=1,
            fingerprint="1",
            artifact=Artifact(digest=digest, slug=digest),
            manifest=shape,
            source=digest,
            created_at=BEGAN,
            created_by="me",
        )
    )
    tx.put(Member(environment=ENVIRONMENT, app=APP, live=1))


def virtually(
    scenario, *, lends: bool, web: Process = WEB, network=None, since_start_s: float = 35
) -> None:
    async def main(loop: VirtualLoop) -> None:
        shop = Shop(loop, web, lends=lends)
        await asyncio.sleep(since_start_s)
        assert (await shop.standing()).state is MemberState.HEALTHY
        await scenario(shop)
        shop.plane.kill()
        await shop.plane.gone()

    run_virtually(main, network or MadeUpNetwork())


def test_copies_for_which_nothing_comes_are_stuck_and_the_same_is_said_everywhere():
    async def scenario(shop: Shop) -> None:
        await shop.scale(3)
        found = await shop.standing()
        assert found.state is MemberState.STUCK
        assert found.because.startswith("2 of 3 healthy: web.3 (v1) does not fit: ")
        (place,) = (await apps.one(shop.world, APP)).places
        assert (place.state, place.because) == (found.state, found.because)
        told = await why.explain(shop.world, shop.plane.heart.dispatch, APP, "demo")
        assert (told.state, told.because) == ("stuck", found.because)

    virtually(scenario, lends=False)


def test_copies_are_not_stuck_while_headway_is_yet_to_hear_of_nodes_or_hears_of_none():
    async def scenario(shop: Shop) -> None:
        await shop.scale(3)
        assert (await shop.standing()).state is MemberState.STARTING
        await asyncio.sleep(30)
        assert (await shop.standing()).state is MemberState.STUCK
        shop.world.roster.is_told = False
        assert (await shop.standing()).state is MemberState.STARTING

    virtually(scenario, lends=False, since_start_s=5)


@pytest.mark.parametrize(
    "ports", [(), (Expose(name="tcp", port=80, host_port=8080, health_check=TCP),)]
)
def test_a_rollout_is_not_stuck_while_what_it_replaces_takes_its_time_to_leave(ports):
    async def slowly(container: ContainerId, grace_s: float) -> None:
        await asyncio.sleep(grace_s)
        await stop(container, grace_s)

    async def scenario(shop: Shop) -> None:
        nonlocal stop
        stop, shop.engine.stop = shop.engine.stop, slowly
        wish = DeployRequest(kind=DeploymentKind.REDEPLOY)
        await deploying.deploy(shop.world, "me", "demo", APP, wish)
        lacked = False
        for _ in range(180):
            await asyncio.sleep(0.5)
            found = await shop.standing()
            lacked |= " fit: " in found.because
            assert found.state is not MemberState.STUCK, found.because
        assert lacked
        assert found.deployment is not None
        assert found.deployment.phase is Phase.SUCCEEDED

    stop: Any = None
    size = Resources(cpu=0.6 if ports else 0.33, memory_mib=256)
    copies = 1 if ports else 2
    web = msgspec.structs.replace(WEB, resources=size, scale=copies, expose=ports)
    network = MadeUpNetwork()
    network.answering = lambda _host, _port: True
    virtually(scenario, lends=False, web=web, network=network)


def test_a_process_type_is_explained_by_its_copies_whatever_stands_before_it():
    async def scenario(shop: Shop) -> None:
        await shop.scale(2)
        for thing in ("web", f"{APP}/web", f"demo/{APP}/web"):
            told = await why.explain(shop.world, shop.plane.heart.dispatch, thing)
            assert (told.thing, told.state) == (thing, "healthy")
            assert told.because.startswith(f"2 of 2 copies healthy; {APP}/web.")

    virtually(scenario, lends=False)


def test_copies_of_other_releases_and_leaving_ones_do_not_count_for_a_process_type():
    async def scenario(shop: Shop) -> None:
        def rolling(tx):
            (web,) = tx.find(Container, app=APP)
            new = {"release": 2, "state": ContainerState.STARTING, "version": 0}
            for slot in (1, 2):
                tx.put(msgspec.structs.replace(web, id=f"new-{slot}", slot=slot, **new))
            leaving = {"slot": 2, "state": ContainerState.DRAINING, "version": 0}
            tx.put(msgspec.structs.replace(web, id="leaving", **leaving))
            return of_process(tx, "web", "demo", None)

        told = shop.store.do(rolling)
        assert told.state == "healthy"
        assert told.because.startswith(f"1 of 1 copies healthy; {APP}/web.1: ")

        def first(tx):
            tx.put(msgspec.structs.replace(tx.get(Member, ENVIRONMENT, APP), live=None))
            return of_process(tx, "web", "demo", None)

        told = shop.store.do(first)
        assert told.because.startswith(f"0 of 2 copies healthy; {APP}/web.")

    virtually(scenario, lends=False)


def test_copies_move_while_a_node_comes_for_them_and_are_stuck_when_the_pool_may_not_grow():
    async def scenario(shop: Shop) -> None:
        await shop.grow(1)
        await shop.scale(3)
        found = await shop.standing()
        assert found.state is MemberState.STARTING
        assert found.because.endswith("; 1 node of pool default is on the way")
        await asyncio.sleep(90)
        assert (await shop.standing()).state is MemberState.HEALTHY
        await shop.scale(9)
        found = await shop.standing()
        assert found.state is MemberState.STUCK
        assert found.because.startswith("4 of 9 healthy: 5 of 9 copies of web (v1) do not fit: ")
        assert found.because.endswith(
            "; no node of pool default is added: the pool is as large as it may be"
        )

    virtually(scenario, lends=True)


def test_copies_are_not_stuck_while_another_app_leaves_room_for_them():
    async def scenario(shop: Shop) -> None:
        shop.engine.join(Node(id=NodeId("there"), cpu=1, memory_mib=4096))
        await asyncio.sleep(2)
        other = Container(
            id=ContainerId("other-1"),
            environment=ENVIRONMENT,
            app=AppName("other"),
            process="web",
            release=1,
            node=NodeId("there"),
            state=ContainerState.HEALTHY,
            resources=Resources(cpu=1, memory_mib=256),
            created_at=BEGAN,
        )
        shop.world.note(other)
        await shop.scale(3)
        assert (await shop.standing()).state is MemberState.STUCK
        leaves = msgspec.structs.replace(
            other,
            state=ContainerState.DRAINING,
            draining_at=shop.world.clock.now(),
            version=other.version + 1,
        )
        shop.world.note(leaves)
        await asyncio.sleep(2)
        found = await shop.standing()
        assert found.state is MemberState.STARTING
        assert found.because.endswith("; there has room for it once what leaves there has ended")
        stays = msgspec.structs.replace(other, version=leaves.version + 1)
        shop.world.note(stays)
        await asyncio.sleep(10)
        assert (await shop.standing()).state is MemberState.STUCK

    virtually(scenario, lends=False)


def test_copies_are_not_stuck_while_a_node_that_has_room_may_come_back():
    async def scenario(shop: Shop) -> None:
        shop.engine.join(Node(id=NodeId("there"), cpu=1, memory_mib=4096))
        await asyncio.sleep(2)
        shop.engine.go_away(NodeId("there"))
        await asyncio.sleep(2)
        await shop.scale(3)
        found = await shop.standing()
        assert found.state is MemberState.STARTING
        assert "; there is not heard from, and has room for it if it comes" in found.because
        await asyncio.sleep(shop.world.settings.node_lost_after_s + 10)
        assert (await shop.standing()).state is MemberState.STUCK
        shop.engine.come_back(NodeId("there"))
        await asyncio.sleep(10)
        assert (await shop.standing()).state is MemberState.HEALTHY

    virtually(scenario, lends=False)


def test_of_what_crashes_again_and_again_its_last_line_is_told_also_while_it_starts():
    network = MadeUpNetwork()
    network.answering = lambda _host, _port: True

    async def crash(shop: Shop) -> None:
        while not (there := [one for one in shop.engine.containers.values() if one.exit is None]):
            await asyncio.sleep(0.1)
        shop.engine.written[there[0].id] = (
            said("reading the index"),
            said("\x1b[31msegment 7 is torn\x1b[0m " + 300 * "x"),
            said("  "),
            said("it is ended", Stream.HEADWAY),
        )
        shop.engine.kill(there[0].id)

    async def scenario(shop: Shop) -> None:
        for _ in range(3):
            await crash(shop)
        network.answering = lambda _host, _port: None
        await asyncio.sleep(1)
        found = await shop.standing()
        assert found.state is MemberState.FAILED
        wrote = f"killed by signal 9, after it wrote “segment 7 is torn {181 * 'x'}…”"
        assert found.because == f"0 of 1 healthy: web.1 ended: {wrote}; again after 2 s"
        await asyncio.sleep(2)
        found = await shop.standing()
        assert found.because.startswith("0 of 1 healthy: web.1 is starting: connect ")
        assert found.because.endswith(f"; web.1 ended: {wrote}")

    web = msgspec.structs.replace(WEB, expose=(Expose(name="http", port=80, health_check=TCP),))
    virtually(scenario, lends=False, web=web, network=network)


def test_more_copies_of_what_crashes_again_and_again_are_told_of_as_failed_while_they_start():
    async def crash(shop: Shop) -> None:
        while not (there := [one for one in shop.engine.containers.values() if one.exit is None]):
            await asyncio.sleep(0.1)
        shop.engine.written[there[0].id] = (said("no database"),)
        shop.engine.kill(there[0].id)

    async def scenario(shop: Shop) -> None:
        network.answering = lambda _host, _port: None
        await shop.scale(2)
        assert (await shop.standing()).state is MemberState.PROBING
        for _ in range(6):
            await crash(shop)
        await asyncio.sleep(1)
        found = await shop.standing()
        assert found.deployment is not None
        assert not found.deployment.is_ended
        assert found.state is MemberState.FAILED
        assert found.because.startswith("0 of 2 healthy: web.1 ended: killed by signal 9, ")
        assert "after it wrote “no database”; again after" in found.because

    network = MadeUpNetwork()
    network.answering = lambda _host, _port: True
    web = msgspec.structs.replace(WEB, expose=(Expose(name="http", port=80, health_check=TCP),))
    virtually(scenario, lends=False, web=web, network=network)


def test_ends_are_known_also_where_a_node_gives_no_line_of_any_log():
    async def hangs(*_: object, **__: object) -> AsyncIterator[LogLine]:
        await asyncio.sleep(1000)
        yield said("too late")

    async def scenario(shop: Shop) -> None:
        await shop.scale(2)
        await asyncio.sleep(10)
        there = [one for one in shop.engine.containers.values() if one.exit is None]
        assert len(there) == 2
        shop.engine.logs = hangs
        for one in there:
            shop.engine.kill(one.id)
        await asyncio.sleep(3)
        ended = await shop.store.read(lambda tx: [tx.get(Container, one.id) for one in there])
        assert all(row.exit for row in ended)

    virtually(scenario, lends=False)


def said(text: str, stream: Stream = Stream.STDERR) -> LogLine:
    return LogLine(at=BEGAN, stream=stream, text=text, cursor=1)


def test_an_app_that_waits_for_room_is_not_looked_at_the_more_often_the_more_happened(monkeypatch):
    looks = []
    read = rollouts.read_member

    async def noted(world, *key):
        looks.append(key)
        return await read(world, *key)

    async def scenario(shop: Shop) -> None:
        await shop.scale(3)
        for _ in range(20):
            shop.world.bell.member((ENVIRONMENT, APP))
            await asyncio.sleep(0.03)
        await asyncio.sleep(5)
        looks.clear()
        await asyncio.sleep(10)
        assert 9 <= len(looks) <= 11

    monkeypatch.setattr(rollouts, "read_member", noted)
    virtually(scenario, lends=False)
