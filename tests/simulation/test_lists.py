"""Lists of jobs and queues show those first that need a look, and read no more than they show."""

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from headway.control import nodes
from headway.control.environments import environments
from headway.control.errors import NotFound
from headway.control.queries.fullness import fullness
from headway.control.runs import jobs, queues
from headway.model.environment import Environment
from headway.model.ids import ContainerId, EnvironmentId, NodeId, RunId
from headway.model.job import Job
from headway.model.lease import Tenure
from headway.model.node import Node
from headway.model.queue import Queue
from headway.model.run import Attempt, Run, RunState
from headway.sim.engine import SimulatedEngine
from headway.web.pages.jobs import line_rank
from tests.contract.store.counting import CountingStore
from tests.simulation.conftest import APP, ENVIRONMENT, SMALL

JOBS = [
    Job(name=f"job{n:03}", command="true", queue=f"q{n:03}", resources=SMALL) for n in range(150)
]
NOW = datetime.now(UTC)


@pytest.fixture
def engine() -> SimulatedEngine:
    return SimulatedEngine(
        [Node(id=NodeId(f"n{n:03}"), cpu=4, memory_mib=4096) for n in range(150)]
    )


def ended(job: str, state: RunState, number: int) -> Run:
    at = NOW - timedelta(minutes=5 - number)
    attempt = Attempt(
        number=1,
        release=1,
        runner=ContainerId("c"),
        node=NodeId("here"),
        ordered_at=at,
        ended_at=at,
        outcome=state,
    )
    return Run(
        id=RunId(f"{job}-{number}"),
        environment=ENVIRONMENT,
        app=APP,
        job=job,
        state=state,
        queue="default",
        attempts=(attempt,),
        created_at=at,
        created_by="me",
        ended_at=at,
    )


async def test_jobs_that_went_wrong_are_listed_first_and_only_their_last_runs_are_read(plane):
    await plane.release(*JOBS)
    good, bad = RunState.SUCCEEDED, RunState.FAILED

    def fill(tx):
        for job in JOBS:
            tx.put(ended(job.name, bad, 1))
            tx.put(ended(job.name, bad if job.name in ("job140", "job007") else good, 2))

    await plane.store.write(fill)
    counting = plane.world.store = CountingStore(plane.store)
    await jobs.first(plane.world, plane.dispatch, "demo", 10, line_rank)
    counting.rows_read()
    views, count = await jobs.first(plane.world, plane.dispatch, "demo", 10, line_rank)
    assert [view.job.name for view in views[:3]] == ["job007", "job140", "job000"]
    assert [view.last.id for view in views[:3]] == ["job007-2", "job140-2", "job000-2"]
    assert (len(views), count) == (10, len(JOBS))
    assert counting.rows_read() <= 10 + 1
    everything = await jobs.listing(plane.world, plane.dispatch, "demo")
    assert views == [view for view in everything if view in views and view.last.state is bad] + [
        view for view in everything if view in views and view.last.state is good
    ]


async def test_queues_that_are_held_or_wait_longest_are_listed_first_and_read_as_far_as_shown(
    plane,
):
    await plane.release(*JOBS, queues=(Queue(name="q100", concurrency=3), Queue(name="idle")))
    for name in ("q120", "q110"):
        await plane.hold(name, paused=True)
    (first,) = await plane.invoke("job120")
    (second,) = await plane.invoke("job110")
    counting = plane.world.store = CountingStore(plane.store)
    await queues.first(plane.world, plane.dispatch, "demo", 3)
    counting.rows_read()
    views, count = await queues.first(plane.world, plane.dispatch, "demo", 3)
    assert [view.queue.name for view in views] == ["q120", "q110", "idle"]
    assert [view.waiting for view in views] == [1, 1, 0]
    assert views[0].oldest_s > views[1].oldest_s > 0
    assert count == len(JOBS) + 1
    assert counting.rows_read() <= 3
    everything = await queues.listing(plane.world, plane.dispatch, "demo")
    assert {view.queue.name: view.queue.concurrency for view in everything}["q100"] == 3
    assert [msgspec.structs.replace(view, oldest_s=None) for view in views] == [
        msgspec.structs.replace(row, oldest_s=None)
        for name in ("q120", "q110", "idle")
        for row in everything
        if row.queue.name == name
    ]
    assert first.created_at < second.created_at


async def test_of_many_nodes_those_that_take_nothing_are_listed_first_and_a_refusal_names_some(
    plane,
):
    async with asyncio.timeout(10):
        while len(plane.world.nodes) < 150:
            await asyncio.sleep(0.01)
    await nodes.cordon(plane.world, "ana", "n140")
    await nodes.drain(plane.world, "ana", "n077")
    rows = nodes.first(plane.world, 100)
    assert [row.node.id for row in rows] == [
        "n077",
        "n140",
        *(f"n{n:03}" for n in range(99) if n != 77),
    ]
    full = fullness(plane.world)
    assert full.states == {"cordoned": 1, "draining": 1, "ready": 148}
    assert [(row.name, row.there) for row in full.sums] == [("cpu", 592.0), ("memory", 592.0)]
    with pytest.raises(NotFound) as refused:
        nodes.known(plane.world, "m7")
    assert refused.value.hint.endswith("n018, n019 and 130 more")


async def test_nodes_are_listed_in_parts_each_behind_the_last(plane):
    one = await nodes.listing(plane.world, 100)
    two = await nodes.listing(plane.world, 100, one.next)
    found = [row.node.id for row in (*one.items, *two.items)]
    assert found == [f"n{n:03}" for n in range(150)]
    assert (one.next, two.next) == ("n099", None)
    assert (await nodes.listing(plane.world, 150)).next is None


async def test_environments_are_listed_in_parts_each_behind_the_last(plane):
    def deed(tx) -> None:
        for number in range(5):
            tx.put(
                Environment(
                    id=EnvironmentId(f"e{number}~1"),
                    lease=Tenure(holder="me", until=None),
                    created_at=NOW,
                    created_by="me",
                )
            )

    await plane.store.write(deed)
    one = await environments.listing(plane.world, 3)
    two = await environments.listing(plane.world, 3, one.next)
    assert [row.name for row in one.items] == ["e0", "e1", "e2"]
    assert [row.name for row in two.items] == ["e3", "e4"]
    assert (one.next, two.next) == ("e2", None)
