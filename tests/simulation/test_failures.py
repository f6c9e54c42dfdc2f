"""Jobs whose runs failed lately are told of, until the run was made again and went well."""

import asyncio

import pytest

from headway.control import glance
from headway.control.runs import replays
from headway.control.runs.failures import LATELY
from headway.model.job import Delivery, Job
from headway.model.run import RunState
from headway.ports.store import StoreError
from tests.simulation.conftest import SMALL, wishing

REPORT = Job(name="report", function="m:f", resources=SMALL, delivery=Delivery.AT_MOST_ONCE)


async def told(plane, wanted: list[tuple[str, int, bool]]) -> None:
    """Wait until this is told: a run's end is written down a moment before."""
    async with asyncio.timeout(10):
        while True:
            rows = await glance.failed(plane.world, plane.dispatch)
            if [(row.run, row.count, row.is_well) for row in rows] == wanted:
                return
            await asyncio.sleep(0.01)


async def failing(plane, **wish) -> str:
    (run,) = await plane.invoke("report", wishing({"fail": "no paper", **wish}))
    assert (await plane.ended(run)).state is RunState.FAILED
    return run.id


async def test_runs_that_failed_are_told_of_by_job_and_not_once_made_again_with_success(plane):
    await plane.release(REPORT)
    first = await failing(plane)
    second = await failing(plane)
    await told(plane, [(second, 2, False)])
    (row,) = await glance.failed(plane.world, plane.dispatch)
    assert (row.environment, row.app, row.job) == ("demo", "shop", "report")
    assert "no paper" in row.because
    for failed, left in ((second, [(first, 1, True)]), (first, [])):
        again = await replays.again(plane.world, plane.dispatch, "me", failed, wishing().parameters)
        assert (await plane.ended(again)).state is RunState.SUCCEEDED
        await told(plane, left)


async def test_what_failed_long_ago_is_told_no_more(plane):
    await plane.release(REPORT)
    run = await failing(plane)
    await told(plane, [(run, 1, False)])
    plane.clock.ahead += LATELY
    await told(plane, [])


async def test_after_a_restart_the_last_run_of_a_job_is_known_to_have_failed(plane):
    await plane.release(REPORT)
    await failing(plane)
    last = await failing(plane)
    await plane.down()
    await plane.up()
    await told(plane, [(last, 1, False)])


async def test_where_the_store_did_not_answer_the_runs_of_before_are_looked_for_again(plane):
    await plane.release(REPORT)
    last = await failing(plane)
    await plane.down()
    await plane.up()
    read, mine = plane.world.store.read, asyncio.current_task()

    async def broken(question):
        if asyncio.current_task() is not mine:
            return await read(question)
        raise StoreError("the disk does not answer")

    plane.world.store.read = broken
    with pytest.raises(StoreError):
        await glance.failed(plane.world, plane.dispatch)
    plane.world.store.read = read
    await told(plane, [(last, 1, False)])


def meanwhile(plane, last, deed) -> None:
    """Have this done once, as the run that failed last was read and nobody knows it yet."""
    read = plane.world.store.read

    async def slowly(question):
        found = await read(question)
        if isinstance(found, dict) and last in found:
            plane.world.store.read = read
            await deed()
        return found

    plane.world.store.read = slowly


@pytest.mark.parametrize("is_again", [False, True], ids=["another", "the same again"])
async def test_what_succeeds_while_the_runs_of_before_are_read_is_known_to(plane, is_again):
    await plane.release(REPORT)
    last = await failing(plane)
    await plane.down()
    await plane.up()

    async def succeeding():
        if is_again:
            run = await replays.again(plane.world, plane.dispatch, "me", last, wishing().parameters)
        else:
            run = await plane.run("report")
        assert (await plane.ended(run)).state is RunState.SUCCEEDED

    meanwhile(plane, last, succeeding)
    await told(plane, [] if is_again else [(last, 1, True)])


async def test_what_fails_while_the_runs_of_before_are_read_is_told_as_the_last(plane):
    await plane.release(REPORT)
    last = await failing(plane)
    await plane.down()
    await plane.up()
    newer = []

    async def failing_again():
        newer.append(await failing(plane))
        async with asyncio.timeout(10):
            while not plane.dispatch.failures.lately(plane.clock.now()):
                await asyncio.sleep(0.01)

    meanwhile(plane, last, failing_again)
    await glance.failed(plane.world, plane.dispatch)
    await told(plane, [(newer[0], 2, False)])
