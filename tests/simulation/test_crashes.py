"""Crashes of everything at seeded random moments: what each delivery promises holds.

`CRASH_RUNS` says how many runs, `CRASH_SEED` which seeds.
"""

import asyncio
import os
import random
from collections import Counter

import pytest

from headway.control.requests import Invocation
from headway.control.runs import invoking
from headway.control.runs.dispatch import Dispatch
from headway.model.container import Container
from headway.model.job import Delivery, Job, Retries
from headway.model.run import Run, RunState
from tests.simulation.conftest import SMALL, wishing

RUNS = int(os.environ.get("CRASH_RUNS", "2000"))
SEEDS = [int(word) for word in os.environ.get("CRASH_SEED", "1 2 3").split()]
ONCE = Job(name="once", function="m:f", resources=SMALL)
AGAIN = Job(
    name="again",
    function="m:f",
    resources=SMALL,
    delivery=Delivery.AT_LEAST_ONCE,
    retries=Retries(most=20, delay_s=0.01, delay_max_s=0.05),
)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", SEEDS)
async def test_nothing_is_lost_and_nothing_runs_twice_that_must_not(plane, engine, seed):
    chance = random.Random(seed)
    await plane.release(ONCE, AGAIN)
    made: list[Run] = []
    over = asyncio.Event()
    crashes: Counter[str] = Counter()

    async def crash() -> None:
        while not over.is_set():
            await asyncio.sleep(chance.uniform(0.02, 0.3))
            what = chance.choice(["runner", "lines", "control plane"])
            crashes[what] += 1
            if what == "runner" and engine.runners:
                engine.kill(chance.choice(list(engine.runners)))
            elif what == "lines":
                engine.cut_lines()
            elif what == "control plane":
                async with up:
                    await plane.down()
                    await plane.up()

    up = asyncio.Lock()
    crashing = asyncio.create_task(crash())
    while len(made) < RUNS:
        wishes = [
            wishing(
                {"sleep_s": chance.choice([0, 0, 0.005, 0.05])}
                | ({"fail": "x"} if chance.random() < 0.05 else {}),
                delay_s=chance.choice([None, None, 0.05]),
                tags={"team": chance.choice("abc")},
            )
            for _ in range(chance.randint(1, 100))
        ]
        async with up:
            made += await plane.invoke(chance.choice(["once", "again"]), *wishes)
        await asyncio.sleep(chance.uniform(0, 0.1))
    over.set()
    await crashing
    await wait_until_all_ended(plane)

    rows = await plane.store.read(lambda reader: reader.find(Run))
    assert {row.id for row in rows} == {run.id for run in made}
    begun = Counter(run for run, _ in engine.begun)
    for row in rows:
        if row.job == "once":
            assert begun[row.id] <= 1, row
            assert row.state in (RunState.SUCCEEDED, RunState.FAILED, RunState.LOST), row
        else:
            assert row.state in (RunState.SUCCEEDED, RunState.DEAD), row
            assert row.state is RunState.DEAD or begun[row.id] >= 1, row
        assert len(set(engine.begun)) == len(engine.begun)
        assert begun[row.id] <= len(row.attempts)
        if row.state is RunState.SUCCEEDED:
            assert begun[row.id] >= 1
    assert plane.dispatch.lanes.depths() == {}
    assert not plane.dispatch.under_way.all()
    assert crashes.total() > 5


async def wait_until_all_ended(plane) -> None:
    async with asyncio.timeout(120):
        while await plane.store.read(lambda reader: reader.count(Run, "open_in")):
            await asyncio.sleep(0.05)


async def test_nothing_is_started_before_it_is_known_what_runs(plane):
    await plane.release(ONCE)
    fresh = Dispatch(plane.world)
    (row,) = await invoking.invoke(plane.world, fresh, "me", "demo", "once", (Invocation(),))
    assert (row.state, row.attempts) == (RunState.QUEUED, ())
    await asyncio.sleep(0.1)  # the dispatch that is open knows nothing of the run
    assert await plane.store.read(lambda reader: reader.find(Container)) == []
    await fresh.close()
