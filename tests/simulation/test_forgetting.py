"""Ended runs that are no longer kept are forgotten, the oldest first, and nothing else is."""

import msgspec
import pytest

from headway.control.runs.forgetting import forget_runs
from headway.model.job import Job
from headway.model.run import Run
from tests.simulation.conftest import SMALL, wishing

NOOP = Job(name="noop", function="m:f", resources=SMALL)


@pytest.fixture
async def made(plane) -> list[str]:
    """Five ended runs, oldest first, and one that waits for its time."""
    await plane.release(NOOP)
    rows = [await plane.ended(await plane.run("noop")) for _ in range(5)]
    (waits,) = await plane.invoke("noop", wishing(delay_s=3600.0))
    return [*(row.id for row in rows), waits.id]


async def left(plane, **settings) -> list[str]:
    """Forget under these settings, and give what there still is."""
    plane.world.settings = msgspec.structs.replace(plane.world.settings, **settings)
    removed = []
    remove = plane.engine.remove_runs

    async def noted(runs) -> None:
        removed.extend(runs)
        await remove(runs)

    plane.engine.remove_runs = noted
    before = await ids(plane)
    await forget_runs(plane.world)
    there = await ids(plane)
    assert removed == before[: len(before) - len(there)]
    return there


async def ids(plane) -> list[str]:
    return [row.id for row in await plane.store.read(lambda reader: reader.find(Run))]


async def test_more_than_are_kept_are_forgotten_oldest_first(plane, made):
    assert await left(plane, runs_kept=2) == made[3:]


async def test_what_is_older_than_is_kept_is_forgotten(plane, made):
    assert await left(plane, runs_kept_s=0.0) == made[5:]


async def test_what_is_kept_stays(plane, made):
    assert await left(plane, runs_kept=5, runs_kept_s=3600.0) == made
