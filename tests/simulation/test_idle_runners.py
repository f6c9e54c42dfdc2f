"""Runners that nothing needs are let go, though no run has them looked at."""

import asyncio

import msgspec

from headway.control import nodes
from headway.model.job import Job
from headway.model.run import RunState
from tests.simulation.conftest import SMALL

JOB = Job(name="once", function="m:f", resources=SMALL)


async def stopping(plane, because: str) -> None:
    """Wait until a runner is let go for a reason."""

    def told(reader):
        rows = reader.events(limit=1000)
        return [row.because for row in rows if row.kind == "container.stopping"]

    async with asyncio.timeout(20):
        while because not in await plane.store.read(told):
            await asyncio.sleep(0.01)


async def test_one_that_was_idle_for_long_enough_is_let_go(plane):
    plane.world.settings = msgspec.structs.replace(plane.world.settings, runner_idle_s=0.3)
    await plane.release(JOB)
    assert (await plane.ended(await plane.run("once"))).state is RunState.SUCCEEDED
    await stopping(plane, "nothing ran in it for 0.3 s")
    assert (await plane.ended(await plane.run("once"))).state is RunState.SUCCEEDED


async def test_one_whose_release_is_not_live_any_more_is_let_go(plane):
    await plane.release(JOB)
    await plane.ended(await plane.run("once"))
    await plane.release(JOB, number=2)
    await stopping(plane, "its release is not live any more")


async def test_one_whose_node_drains_is_let_go(plane):
    await plane.release(JOB)
    await plane.ended(await plane.run("once"))
    await nodes.drain(plane.world, "ana", "here", 60)
    await stopping(plane, "here is drained, and nothing runs in it")


async def test_one_that_waited_for_an_older_run_is_let_go_after_it(plane):
    await plane.release(JOB)
    await plane.release(JOB, number=2)
    await plane.ended(await plane.run("once", release=1))
    await stopping(plane, "its release is not live any more")
