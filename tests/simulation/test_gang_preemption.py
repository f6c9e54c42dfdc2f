"""Gangs of higher priority take the place of others: for all of them, or for nothing."""

from datetime import timedelta

import msgspec
import pytest

from headway.calculate.placement import Promise
from headway.control.queries import why
from headway.control.runs import runs
from headway.control.runs.preemptions import Preemptions
from headway.model.demand import Demand
from headway.model.ids import AppName, EnvironmentId, NodeId, RunId
from headway.model.job import Job
from headway.model.placement import Placement
from headway.model.preempting import PreemptingTogether
from headway.model.resources import Resources
from headway.model.run import RunState
from tests.simulation.test_gangs import all_of, members, waits_for
from tests.simulation.test_preemption import (
    FILLED,
    JOBS,
    app,
    attempts_of,
    events_of,
    fill,
    killed_as_it_takes_places,
)

CORE = Resources(cpu=1, memory_mib=64)
LOAD = app(
    Job(
        name="load",
        function="m:f",
        resources=CORE,
        gang={"worker": 2},
        placement=Placement(priority=10),
    )
)
WORKER = app(Job(name="worker", function="m:f", resources=CORE))
"""Of no priority of its own: a gang has that of its leader."""


def of_size(size: int) -> Job:
    return msgspec.structs.replace(LOAD, gang={"worker": size - 1})


async def test_as_many_give_way_as_all_of_it_need(plane):
    await plane.release(JOBS[0], LOAD, WORKER)
    filled = await fill(plane)
    leader = await plane.run("load", parameters={"sleep_s": 0.2})
    assert (await plane.ended(leader)).state is RunState.SUCCEEDED
    rows = await attempts_of(plane, filled)
    taken = [row for row in rows if row.attempts[0].preempted]
    assert len(taken) == 2
    for row in taken:
        assert row.attempts[0].is_handed_back
        assert row.attempts[0].preempted.startswith(
            f"{leader.id} of priority 10 takes the place of 2 runs of priority 0 on here for all 3 "
            "of its gang, so that least is lost: "
        )
    (told,) = [row for row in await events_of(plane, leader.id) if row.kind == "run.preempting"]
    assert all(row.id in told.because for row in taken)
    for row in taken:
        assert len((await plane.until(row, "running")).attempts) == 2


async def test_nobody_is_told_to_end_where_that_would_not_be_enough_for_all(plane):
    kept = msgspec.structs.replace(JOBS[0], name="kept", placement=Placement())
    await plane.release(JOBS[0], kept, of_size(4), WORKER)
    one = await plane.until(await plane.run("kept", parameters={"sleep_s": 30}), "running")
    filled = await fill(plane, FILLED - 1)
    leader = await plane.run("load", parameters={"sleep_s": 0})
    await waits_for(plane, leader, "no room for worker 1 of 3 of its gang of 4")
    assert not [row for row in await attempts_of(plane, filled) if row.attempts[0].preempted]
    await runs.cancel(plane.world, plane.dispatch, "me", one.id)
    assert (await plane.ended(leader)).state is RunState.SUCCEEDED
    assert all(row.attempts[0].preempted for row in await attempts_of(plane, filled))


async def test_who_waits_for_room_says_for_whose(plane, monkeypatch):
    await plane.release(JOBS[0], LOAD, WORKER)
    await fill(plane)
    starts, told = plane.dispatch.starts, []
    with monkeypatch.context() as patch:
        patch.setattr(starts, "tell_to_end", told.extend)
        leader = await plane.run("load", parameters={"sleep_s": 0})
        await waits_for(plane, leader, "here is being made free for it: ")
        said = (await why.explain(plane.world, plane.dispatch, leader.id)).because
        assert "and 1 more of lower priority end there" in said
    starts.tell_to_end(told)
    assert (await plane.ended(leader)).state is RunState.SUCCEEDED


async def test_it_waits_for_all_that_it_needs_where_few_may_give_way_in_a_minute(plane):
    plane.world.settings = msgspec.structs.replace(plane.world.settings, preemptions_minute_max=1)
    await plane.release(*JOBS, of_size(2), WORKER)
    filled = await fill(plane)
    urgent = await plane.run("urgent", parameters={"sleep_s": 30})
    await plane.until(urgent, "running")
    before = [len(row.attempts) for row in await attempts_of(plane, filled)]
    leader = await plane.run("load")
    await waits_for(plane, leader, "no more than 1 times a minute")
    assert before == [len(row.attempts) for row in await attempts_of(plane, filled)]


@pytest.mark.parametrize("before", [True, False], ids=["before it is written", "behind that"])
async def test_a_control_plane_that_is_killed_in_between_loses_nothing(plane, monkeypatch, before):
    await plane.release(JOBS[0], LOAD, WORKER)
    filled = await fill(plane, sleep_s=1.0)
    leader = await killed_as_it_takes_places(
        plane, monkeypatch, "load", before=before, parameters={"sleep_s": 0.1}
    )
    assert (await plane.ended(leader)).state is RunState.SUCCEEDED
    assert len(await members(plane, leader)) == len(await all_of(plane, "worker")) == 2
    rows = [await plane.ended(run) for run in filled]
    assert [row.state for row in rows] == [RunState.SUCCEEDED] * FILLED
    assert sum(len(row.attempts) for row in rows) == FILLED + 2


async def test_one_that_needs_more_nodes_than_may_be_taken_from_in_a_minute_is_alone_in_its(plane):
    plane.world.settings = msgspec.structs.replace(plane.world.settings, preemptions_minute_max=2)
    preemptions, now = Preemptions(plane.world), plane.world.clock.now()
    here, demand = plane.world.nodes[0].id, Demand(resources=CORE, priority=10)

    def taken(*nodes: NodeId) -> str:
        found = PreemptingTogether(
            nodes=nodes, places=((here, demand),), runs=(RunId("low"),), because="it is lower"
        )
        made = Promise("gang", here, (demand,), frozenset({"low"}), now + timedelta(minutes=2))
        owner = (EnvironmentId("demo"), AppName("shop"))
        return preemptions.take(owner, RunId("leader"), found, [made])

    assert taken(here, here, here).startswith("here is being made free for it: low ")
    later = "no more than 2 times a minute"
    assert later in taken(here)
    assert len(preemptions.collected()) == len(plane.world.fleet.promises()) == 1
    assert preemptions.next_at() is not None
