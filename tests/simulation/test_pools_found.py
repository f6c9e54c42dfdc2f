"""What the wind tunnel found of pools, each by itself."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from random import Random

import msgspec

from headway.model.build import Build, BuildState
from headway.model.ids import AppName, BuildId, Digest
from headway.model.pool import NodeType, Pool, Scaling
from headway.model.pool_node import PoolNodeState
from headway.model.resources import Resources
from headway.model.run import Run
from headway.model.scenario import Faults, JobLoad, Scenario, ServiceLoad
from headway.sim.agent import Agent, UnreliableEngine
from headway.sim.life import Life
from headway.sim.tunnel import run
from tests.simulation.pools_world import PoolsWorld, virtually


def cut_off(place: PoolsWorld) -> Agent:
    """Have the engine be reached over an agent that may be away."""
    agent = Agent()
    life = Life(Faults(), Random(1), Counter(), lambda: None)
    place.engine = UnreliableEngine(place.engine, agent, life)
    return agent


def test_while_the_engine_does_not_answer_after_a_start_no_node_is_replaced():
    async def scenario(place: PoolsWorld) -> None:
        await place.pool(nodes_min=2)
        await asyncio.sleep(120)
        before = {row.id for row in await place.rows()}
        assert len(before) == 2
        await place.down()
        agent = cut_off(place)
        agent.is_away = True
        coming_up = asyncio.create_task(place.up())
        await asyncio.sleep(1200)
        assert {row.id for row in await place.rows()} == before
        assert place.provider.requested["small"] == 2
        assert "the engine does not answer" in place.pools.plans["default"].pending[0]
        agent.is_away = False
        await coming_up
        await place.pool(nodes_min=3)
        await asyncio.sleep(120)
        assert len(place.nodes()) == 3
        assert before < {row.id for row in await place.rows()}

    virtually(scenario)


def test_a_machine_that_nobody_asked_for_is_given_back_while_no_pool_has_a_node():
    async def scenario(place: PoolsWorld) -> None:
        await place.pool()
        await asyncio.sleep(100)
        place.foist("stranger")
        await asyncio.sleep(1200)
        assert await place.provider.machines() == ()

    virtually(scenario)


def test_a_machine_that_started_while_the_engine_did_not_answer_is_no_stillborn():
    async def scenario(place: PoolsWorld) -> None:
        await place.down()
        agent = cut_off(place)
        await place.up()
        await place.pool(nodes_min=1)
        await asyncio.sleep(5)
        agent.is_away = True
        agent.cut()
        await asyncio.sleep(900)  # far more than three times what it takes to start
        agent.is_away = False
        await asyncio.sleep(60)
        assert place.provider.requested["small"] == 1
        assert len(place.nodes()) == 1

    virtually(scenario)


def test_a_node_that_went_while_nobody_heard_of_it_takes_nothing_more():
    async def scenario(place: PoolsWorld) -> None:
        await place.down()
        agent = cut_off(place)
        await place.up()
        await place.pool()
        await place.works(2, runs_s=3000)
        await asyncio.sleep(120)
        (node,) = place.nodes()
        agent.is_away = True
        agent.cut()
        place.provider.vanish(node.id)
        await asyncio.sleep(30)
        agent.is_away = False
        await asyncio.sleep(10)
        assert place.world.roster.node(node.id) is None
        await asyncio.sleep(300)
        runs = await place.store.read(lambda tx: tx.find(Run, active=1))
        assert {run.attempt.node for run in runs} == {row.id for row in place.nodes()}

    virtually(scenario)


def test_a_node_that_left_before_its_provider_said_that_it_comes_is_forgotten():
    """A row that was never lent was kept for ever: its machine might have been about to come."""

    async def scenario(place: PoolsWorld) -> None:
        place.provider.forgets_to_answer = 20
        await place.pool(nodes_min=1)
        await asyncio.sleep(100)
        ((first,), (node,)) = await place.rows(), place.nodes()
        assert (first.id, first.state) == (node.id, PoolNodeState.WANTED)
        place.provider.announce(node.id, within_s=40)
        await asyncio.sleep(20)
        (leaving,) = [row for row in await place.rows() if row.id == first.id]
        assert leaving.state is PoolNodeState.LEAVING
        await asyncio.sleep(300)
        assert first.id not in {row.id for row in await place.rows()}

    virtually(scenario)


class Slow:
    """A clock that is set behind."""

    def __init__(self, clock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        return self._clock.now() - timedelta(hours=1)


def test_a_provider_whose_clock_is_set_otherwise_gets_its_machines_used():
    async def scenario(place: PoolsWorld) -> None:
        place.provider._clock = Slow(place.clock)
        await place.pool(nodes_min=1)
        await asyncio.sleep(600)
        assert place.provider.requested["small"] == 1
        (row,) = await place.rows()
        assert row.state is PoolNodeState.LENT
        assert row.lent_at >= row.wanted_at

    virtually(scenario)


def building(place: PoolsWorld, **fields) -> Build:
    return Build(
        id=BuildId("b1"),
        app=AppName("shop"),
        source=Digest("s"),
        created_at=place.clock.now(),
        created_by="me",
        **fields,
    )


def test_a_build_that_no_node_takes_has_one_added():
    async def scenario(place: PoolsWorld) -> None:
        await place.pool(nodes_min=0, late_s=0)
        await place.store.write(lambda tx: tx.put(building(place)))
        place.world.bell.pool()
        await asyncio.sleep(120)
        (event,) = place.events("pool.grew")
        assert "the build of shop" in event.because
        assert len(place.nodes()) == 1

    virtually(scenario)


def test_a_node_on_which_something_is_built_is_not_given_back():
    async def scenario(place: PoolsWorld) -> None:
        await place.pool(nodes_min=1, idle_s=60)
        await asyncio.sleep(120)
        (node,) = place.nodes()
        build = building(place, state=BuildState.RUNNING, node=node.id)
        stored = await place.store.write(lambda tx: tx.put(build))
        await place.pool(nodes_min=0, idle_s=60)
        await asyncio.sleep(500)
        assert [row.id for row in place.nodes()] == [node.id]
        over = msgspec.structs.replace(stored, state=BuildState.SUCCEEDED)
        await place.store.write(lambda tx: tx.put(over))
        await asyncio.sleep(300)
        assert place.nodes() == []

    virtually(scenario)


def test_where_all_of_a_full_pool_become_too_old_at_once_runs_start_still():
    """All of them were emptied, the services had nowhere to go, and no node might be added."""
    mortal = NodeType(name="firm", cpu=4, memory_mib=16_384, start_s=20.0, life_max_s=3600.0)
    scaling = Scaling(nodes_max=2, drain_s=60.0)
    size = Resources(cpu=2.5, memory_mib=256)
    report = run(
        Scenario(
            hours=3,
            pools=(Pool(types=(mortal,), scaling=scaling),),
            services=(ServiceLoad(name="shop", scale=2, resources=size),),
            jobs=(JobLoad(name="report", resources=Resources(cpu=1, memory_mib=64)),),
        )
    )
    assert report.broken is None
    assert report.runs["succeeded"] > 100
