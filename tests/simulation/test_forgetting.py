"""Ended runs that are no longer kept are forgotten, the oldest first, and nothing else is."""

from datetime import timedelta

import msgspec
import pytest

from headway.control.removing import Removing
from headway.control.runs.forgetting import forget_runs
from headway.model.job import Job
from headway.model.run import Run
from headway.ports.engine import EngineError
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
    await forget_runs(plane.world, Removing(plane.world))
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


async def test_a_run_whose_log_cannot_be_removed_stays_and_is_told_of_and_the_others_go(
    plane, made, monkeypatch
):
    remove = plane.engine.remove_runs
    broken = {made[0], made[2]}

    async def refusing(runs) -> None:
        if broken.intersection(runs):
            raise EngineError("input/output error")
        await remove(runs)

    monkeypatch.setattr(plane.engine, "remove_runs", refusing)
    monkeypatch.setattr("headway.control.runs.forgetting._PAGE", 2)
    plane.world.settings = msgspec.structs.replace(plane.world.settings, runs_kept=1)
    removing = Removing(plane.world)
    await forget_runs(plane.world, removing)
    assert await ids(plane) == [made[0], made[2], made[4], made[5]]
    _, said = plane.world.troubles["removal"]
    both = f"{made[0]}: input/output error; {made[2]}: input/output error"
    assert said == f"files of ended containers and runs cannot be removed: {both}"
    broken.clear()
    plane.clock.ahead = timedelta(minutes=6)
    await forget_runs(plane.world, removing)
    assert await ids(plane) == made[4:]
    assert "removal" not in plane.world.troubles


async def test_where_nothing_can_be_removed_a_few_are_tried_and_all_go_once_it_can_be(
    plane, made, monkeypatch, caplog
):
    remove, asked, broken = plane.engine.remove_runs, [], set(made)

    async def refusing(runs) -> None:
        asked.extend([len(runs)] if runs else [])
        if wrong := sorted(broken.intersection(runs)):
            raise EngineError(f"a log cannot be removed: read-only: '/runs/{wrong[0]}.0'")
        await remove(runs)

    monkeypatch.setattr(plane.engine, "remove_runs", refusing)
    plane.world.settings = msgspec.structs.replace(plane.world.settings, runs_kept_s=0.0)
    removing = Removing(plane.world)
    await forget_runs(plane.world, removing)
    assert asked == [5, 1, 1, 1]
    assert await ids(plane) == made
    (told,) = [row.message for row in caplog.records if "cannot be removed" in row.message]
    assert '"count": 5' in told
    _, trouble = plane.world.troubles["removal"]
    assert trouble.endswith("; and 2 more")

    broken.difference_update(made[3:])  # only the first are
    for minutes in (6, 12):
        plane.clock.ahead = timedelta(minutes=minutes)
        await forget_runs(plane.world, removing)
    assert await ids(plane) == [*made[:3], made[5]]
    broken.clear()
    plane.clock.ahead = timedelta(minutes=30)
    await forget_runs(plane.world, removing)
    assert await ids(plane) == made[5:]
    assert "removal" not in plane.world.troubles
