"""The monitor tells, and acts where it may: in made-up time, on real loops."""

import asyncio

import msgspec

from headway.control.pool.estimates import Estimates
from headway.control.pool.monitoring import Monitoring
from headway.control.runs import runs
from headway.model.container import Container, ContainerKind, ContainerState, Exit
from headway.model.ids import AppName, ContainerId, NodeId
from headway.model.node import Holder
from headway.model.pool import MonitorRules, Pool
from headway.model.run import Run, RunState
from tests.simulation.conftest import ENVIRONMENT, wishing
from tests.simulation.pools_world import PoolsWorld, virtually


async def under_way(place: PoolsWorld) -> list[Run]:
    return await place.store.read(lambda tx: tx.find(Run, active=1))


def monitor(place: PoolsWorld, **limits: float) -> Monitoring:
    place.world.settings = msgspec.structs.replace(place.world.settings, **limits)
    return Monitoring(place.world, place.dispatch, place.pools)


async def known(place: PoolsWorld) -> None:
    """Have a pool, and a job of which it is known that it takes ten seconds."""
    await place.pool(nodes_min=2, nodes_max=2)
    await place.works(6, runs_s=10)
    await asyncio.sleep(120)


def test_what_runs_too_long_is_told_once_and_cancelled_only_where_that_is_set():
    async def scenario(place: PoolsWorld) -> None:
        await known(place)
        (long,) = await place.invoke("work", wishing({"sleep_s": 7000}))
        await asyncio.sleep(600)
        watch = monitor(place)
        await watch.beat()
        await watch.beat()
        (told,) = place.events("run.flagged")
        assert (told.subject, told.actor) == (long.id, "monitor")
        assert "nine in ten of its like" in told.because
        assert len(await under_way(place)) == 1
        await monitor(place, monitor_cancel_factor=20, monitor_cancels_hour_max=0).beat()
        await asyncio.sleep(30)
        assert len(await under_way(place)) == 1
        await monitor(place, monitor_cancels_hour_max=1).beat()
        await asyncio.sleep(30)
        row = await runs.one(place.world, long.id)
        assert row.state is RunState.CANCELLED
        assert row.because.startswith("the monitor ends it: work has run for ")
        assert len(place.events("run.flagged")) == 1

    virtually(scenario)


def test_no_more_is_cancelled_within_an_hour_than_is_set_also_over_a_restart():
    async def scenario(place: PoolsWorld) -> None:
        await known(place)
        await place.invoke("work", *([wishing({"sleep_s": 7000})] * 3))
        await asyncio.sleep(600)
        limits = {"monitor_cancel_factor": 20.0, "monitor_cancels_hour_max": 2}
        await monitor(place, **limits).beat()
        await place.down()
        await place.up()
        await asyncio.sleep(30)
        await monitor(place, **limits).beat()
        await asyncio.sleep(30)
        assert len(place.events("monitor.cancelled")) == 2
        assert len(await under_way(place)) == 1
        await asyncio.sleep(3600)
        await monitor(place, **limits).beat()
        await asyncio.sleep(30)
        assert await under_way(place) == []

    virtually(scenario)


def test_a_pool_has_rules_of_its_own_for_what_waits_and_runs_there():
    async def scenario(place: PoolsWorld) -> None:
        await known(place)
        (long,) = await place.invoke("work", wishing({"sleep_s": 7000}))
        await asyncio.sleep(600)
        pool = await place.store.read(lambda tx: tx.get(Pool, "default"))
        lax = msgspec.structs.replace(pool, monitor=MonitorRules(long_factor=1000))
        lax = await place.store.write(lambda tx: tx.put(lax))
        await monitor(place, monitor_cancel_factor=20).beat()
        await asyncio.sleep(30)
        assert place.events("run.flagged") == []
        strict = msgspec.structs.replace(lax, monitor=MonitorRules(cancel_factor=30))
        await place.store.write(lambda tx: tx.put(strict))
        await monitor(place, monitor_cancel_factor=0).beat()
        await asyncio.sleep(30)
        assert (await runs.one(place.world, long.id)).state is RunState.CANCELLED

    virtually(scenario)


def test_a_pool_says_how_long_what_is_to_run_there_may_wait():
    async def scenario(place: PoolsWorld) -> None:
        await place.pool(nodes_min=1, nodes_max=1)
        await place.works(3, runs_s=3000)
        await asyncio.sleep(300)
        await monitor(place).beat()
        assert place.events("run.flagged") == []
        pool = await place.store.read(lambda tx: tx.get(Pool, "default"))
        hasty = msgspec.structs.replace(pool, monitor=MonitorRules(stuck_s=60))
        await place.store.write(lambda tx: tx.put(hasty))
        await monitor(place).beat()
        (event,) = place.events("run.flagged")
        assert event.because == "work has waited for 5 min"

    virtually(scenario)


async def starts_fail(place: PoolsWorld, node: str) -> None:
    """Have five starts fail on a node, each of another app."""
    for number in range(5):
        row = Container(
            id=ContainerId(f"{node}-{number}"),
            environment=ENVIRONMENT,
            app=AppName(f"app-{number}"),
            kind=ContainerKind.RUNNER,
            process="runner",
            release=1,
            node=NodeId(node),
            state=ContainerState.EXITED,
            created_at=place.clock.now(),
            exit=Exit(status=126, reason="no process can be started", at=place.clock.now()),
            retired=True,
        )
        await place.store.write(lambda tx, row=row: tx.put(row))


def test_a_node_that_starts_nothing_is_replaced_one_an_hour_at_most():
    async def scenario(place: PoolsWorld) -> None:
        await known(place)
        first, second = (node.id for node in place.nodes())
        for node in (first, second):
            await starts_fail(place, node)
        watch = monitor(place)
        await watch.beat()
        assert set(place.pools.seen.faulty) == {first, second}
        holds = place.world.roster.holds
        assert [(hold.holder, hold.owner) for hold in holds.values()] == [
            (Holder.MONITOR, "monitor")
        ]
        (drained,) = holds
        assert "5 starts in a row failed there" in holds[drained].because
        await watch.beat()
        assert len(holds) == 1
        await asyncio.sleep(120)
        left = {node.id for node in place.nodes()}
        assert drained not in left
        assert len(left) == 2  # another one came in its place
        assert drained not in {row.id for row in await place.rows()}

    virtually(scenario)


def test_a_node_that_nobody_can_replace_is_flagged_only():
    async def scenario(place: PoolsWorld) -> None:
        await known(place)
        (first, _) = (node.id for node in place.nodes())
        await starts_fail(place, first)
        watch = monitor(place, monitor_drains_hour_max=0)
        await watch.beat()
        assert set(place.pools.seen.faulty) == {first}
        assert place.world.roster.holds == {}

    virtually(scenario)


async def test_what_it_asks_about_a_job_leaves_the_jobs_own_limit_to_pools(plane):
    estimates = Estimates(plane.world)
    now = plane.clock.now()
    assert (await estimates.of("demo~1/shop/new", now)).middle_s == 600
    thought = await estimates.within(30, "demo~1/shop/new", now)
    assert (thought.middle_s, thought.high_s, thought.longest_s) == (30, 30, 30)
