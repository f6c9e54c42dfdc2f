"""Gangs over a real store and a simulated engine: they start together or not at all."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest

from headway.control import nodes
from headway.control.errors import Invalid
from headway.control.queries.why import explain
from headway.control.requests import RunQuestion
from headway.control.runs import attempts, runs
from headway.model.container import Exit
from headway.model.ids import NodeId
from headway.model.job import Delivery, Job, OneFails, Retries
from headway.model.node import Node
from headway.model.queue import Queue
from headway.model.resources import Resources
from headway.model.run import Run, RunFact, RunFactState, RunState
from headway.model.schedule import Schedule
from tests.simulation.conftest import SMALL, Plane

MASTER = Job(name="load", function="m:f", resources=SMALL, gang={"worker": 3})
WORKER = Job(name="worker", function="m:f", resources=SMALL)
NOW = datetime.now(UTC)
CORE = Resources(cpu=1, memory_mib=64)
"""The node has four, less what its runner needs."""


async def members(plane: Plane, leader: Run) -> list[Run]:
    """Give those that a run has started together with."""
    row = await runs.one(plane.world, leader.id)
    assert row.gang is not None
    return [await runs.one(plane.world, one) for one in row.gang.members[1:]]


async def all_of(plane: Plane, job: str) -> list[Run]:
    page = await runs.listing(plane.world, RunQuestion(environment="demo", job=f"shop/{job}"))
    return list(page.rows)


async def waits_for(plane: Plane, run: Run, words: str) -> str:
    async with asyncio.timeout(10):
        while words not in plane.dispatch.starts.reason(run):
            await asyncio.sleep(0.005)
    return plane.dispatch.starts.reason(run)


async def started(plane: Plane, **parameters: Any) -> tuple[Run, list[Run]]:
    """Have a gang run."""
    leader = await plane.run("load", parameters={"sleep_s": 30, **parameters})
    leader = await plane.until(leader, "running")
    return leader, [await plane.until(one, "running") for one in await members(plane, leader)]


async def test_all_start_together_and_know_their_place(plane):
    await plane.release(MASTER, WORKER)
    leader, others = await started(plane)
    assert [one.job for one in others] == ["worker"] * 3
    assert [one.gang.number for one in (leader, *others)] == [0, 1, 2, 3]
    assert {one.gang.members for one in (leader, *others)} == {leader.gang.members}
    assert leader.gang.nodes == tuple(one.attempt.node for one in (leader, *others))
    assert {bytes(one.parameters) for one in others} == {bytes(leader.parameters)}
    assert len({one.attempt.ordered_at for one in (leader, *others)}) == 1


async def test_none_starts_where_one_has_no_room_and_it_is_said_which(plane):
    large = msgspec.structs.replace(WORKER, resources=CORE)
    alone = msgspec.structs.replace(WORKER, name="alone", resources=CORE)
    await plane.release(MASTER, large, alone)
    before = await plane.until(await plane.run("alone", parameters={"sleep_s": 30}), "running")
    leader = await plane.run("load", parameters={"sleep_s": 0})
    said = await waits_for(plane, leader, "no room")
    assert said.startswith(
        "no room for worker 3 of 3 of its gang of 4, which start together: here: 1 core needed, "
    )
    assert said in (await explain(plane.world, plane.dispatch, leader.id)).because
    assert await all_of(plane, "worker") == []
    await runs.cancel(plane.world, plane.dispatch, "me", before.id)
    assert (await plane.ended(leader)).state is RunState.SUCCEEDED
    assert len(await all_of(plane, "worker")) == 3


async def test_with_the_leader_all_end(plane):
    await plane.release(MASTER, WORKER)
    leader, others = await started(plane)
    await runs.cancel(plane.world, plane.dispatch, "me", leader.id)
    assert (await plane.ended(leader)).state is RunState.CANCELLED
    for one in others:
        row = await plane.ended(one)
        assert row.state is RunState.CANCELLED
        assert row.because == f"its gang ended: load {leader.id}, its leader, cancelled"


async def test_when_one_is_lost_all_end_and_the_leader_has_failed(plane, engine):
    engine.join(Node(id=NodeId("there"), cpu=2, memory_mib=1024))
    large = Resources(cpu=1.3, memory_mib=64)  # they do not fit on one node
    await plane.release(MASTER, msgspec.structs.replace(WORKER, resources=large))
    leader, others = await started(plane)
    away = next(one for one in others if one.attempt.node != leader.attempt.node)
    engine.kill(away.attempt.runner)
    assert (await plane.ended(away)).state is RunState.LOST
    leader = await plane.ended(leader)
    assert leader.state is RunState.FAILED
    assert leader.because.startswith(f"worker {away.id} of its gang is lost: ")
    for one in others:
        assert (await plane.ended(one)).is_ended


@pytest.mark.parametrize(
    ("delivery", "states"),
    [(Delivery.AT_LEAST_ONCE, [True, False]), (Delivery.AT_MOST_ONCE, [False])],
)
async def test_a_leader_uses_up_no_retry_when_one_is_handed_back(plane, engine, delivery, states):
    engine.join(Node(id=NodeId("there"), cpu=2, memory_mib=1024))
    leads = msgspec.structs.replace(MASTER, delivery=delivery, retries=Retries(most=0))
    large = Resources(cpu=1.3, memory_mib=64)  # they do not fit on one node
    await plane.release(leads, msgspec.structs.replace(WORKER, resources=large))
    leader, others = await started(plane)
    away = next(one for one in others if one.attempt.node != leader.attempt.node)
    await nodes.drain(plane.world, "me", away.attempt.node, 0.1)
    assert (await plane.ended(away)).attempt.is_handed_back
    said = f"of its gang was handed back: {away.attempt.node} is drained"
    if delivery is Delivery.AT_MOST_ONCE:
        row = await plane.ended(leader)
        assert row.state is RunState.FAILED
    else:
        row = await plane.until(leader, "queued")
        engine.join(Node(id=NodeId("new"), cpu=8, memory_mib=4096))
        row = await plane.until(leader, "running")
    assert said in row.attempts[0].because
    assert [one.is_handed_back for one in row.attempts] == states


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)])
async def test_all_of_a_gang_may_end_in_one_telling(plane, engine, order):
    await plane.release(MASTER, WORKER)
    leader, others = await started(plane)
    ended = [
        RunFact(run=one.id, attempt=1, state=RunFactState.ENDED, exit=Exit(status=0, at=NOW))
        for one in (leader, *others)
    ]
    await plane.down()
    for one in {one.attempt.runner for one in (leader, *others)}:
        engine.kill(one)
    plane.store = await type(plane.store).open(plane._path)
    found = await plane.store.write(
        partial(
            attempts.conclude,
            facts=ended[order],
            jobs={},
            settings=plane.world.settings,
            now=NOW,
            jitter=0.5,
        )
    )
    assert [row.id for row in found.rows] == [fact.run for fact in ended[order]]
    assert all(row.is_ended for row in found.rows)
    await plane.store.close()
    await plane.up()
    assert await plane.ended(leader) == next(row for row in found.rows if row.id == leader.id)


async def test_others_go_on_where_the_job_says_so(plane):
    lenient = msgspec.structs.replace(MASTER, when_one_fails=OneFails.GO_ON)
    await plane.release(lenient, WORKER)
    leader, others = await started(plane)
    await runs.cancel(plane.world, plane.dispatch, "me", others[0].id)
    await plane.ended(others[0])
    rest = [(await runs.one(plane.world, one.id)).state for one in (leader, *others[1:])]
    assert rest == [RunState.RUNNING] * 3


async def test_a_leader_that_is_tried_again_has_a_new_gang_and_no_member_is_tried_again(plane):
    again = msgspec.structs.replace(
        MASTER, delivery=Delivery.AT_LEAST_ONCE, retries=Retries(most=1, delay_s=0.01)
    )
    stubborn = msgspec.structs.replace(WORKER, delivery=Delivery.AT_LEAST_ONCE)
    await plane.release(again, stubborn)
    leader = await plane.ended(await plane.run("load", parameters={"fail": "made up"}))
    assert (leader.state, len(leader.attempts)) == (RunState.DEAD, 2)
    made = await all_of(plane, "worker")
    assert len(made) == 6
    for row in made:
        assert len((await plane.ended(row)).attempts) == 1
    assert set(leader.gang.members[1:]) < {row.id for row in made}


async def test_a_gang_outlives_the_control_plane_and_ends_together_behind_it(plane):
    await plane.release(MASTER, WORKER)
    leader, others = await started(plane)
    await plane.down()
    await plane.up()
    await runs.cancel(plane.world, plane.dispatch, "me", others[1].id)
    assert (await plane.ended(leader)).state is RunState.FAILED
    for one in others:
        assert (await plane.ended(one)).state is RunState.CANCELLED


async def test_who_is_to_end_is_told_when_headway_was_killed_before_it_could(plane, monkeypatch):
    await plane.release(MASTER, WORKER)
    leader, others = await started(plane)
    monkeypatch.setattr(plane.dispatch.starts, "tell_to_end", lambda _runs: None)
    await runs.cancel(plane.world, plane.dispatch, "me", others[0].id)
    await plane.ended(others[0])
    assert (await runs.one(plane.world, leader.id)).attempt.broken
    await plane.down()
    await plane.up()
    assert (await plane.ended(leader)).state is RunState.FAILED
    for one in others:
        assert (await plane.ended(one)).is_ended


async def test_a_gang_counts_as_many_as_it_has_towards_limits(plane):
    await plane.release(MASTER, WORKER, queues=(Queue(name="default", concurrency=5),))
    alone = [await plane.run("worker", parameters={"sleep_s": 30}) for _ in range(2)]
    for one in alone:
        await plane.until(one, "running")
    leader = await plane.run("load", parameters={"sleep_s": 0})
    await waits_for(plane, leader, "queue default: 2 of 5 run, and its gang has 4")
    await runs.cancel(plane.world, plane.dispatch, "me", alone[0].id)
    assert (await plane.ended(leader)).state is RunState.SUCCEEDED


@pytest.mark.parametrize(
    ("jobs", "queue", "said"),
    [
        ((MASTER,), 9, "its gang needs the job worker, which v1 has not"),
        (
            (MASTER, msgspec.structs.replace(WORKER, concurrency=2)),
            9,
            "its gang has 3 of worker, whose concurrency is 2",
        ),
        (
            (MASTER, msgspec.structs.replace(WORKER, locks=("a",))),
            9,
            "worker, of its gang, cannot have a gang or a lock of its own",
        ),
        ((MASTER, WORKER), 3, "its gang has 4 runs, and default 3 at once"),
    ],
)
async def test_a_gang_that_can_never_start_is_refused(plane, jobs, queue, said):
    await plane.release(*jobs, queues=(Queue(name="default", concurrency=queue),))
    with pytest.raises(Invalid) as refused:
        await plane.run("load")
    assert refused.value.because == said


async def test_more_nodes_are_asked_for_all_of_a_gang(plane):
    wide = msgspec.structs.replace(MASTER, gang={"worker": 40})
    await plane.release(wide, WORKER)
    leader = await plane.run("load", parameters={"sleep_s": 0})
    await waits_for(plane, leader, "no room for worker")
    backlog = await plane.dispatch.starts.backlog()
    assert [(row.lane.job, row.count) for row in backlog] == [("load", 1), ("worker", 40)]


@pytest.mark.parametrize(
    ("leads", "follows", "gangs"),
    [
        ({"concurrency": 1}, {}, 1),
        ({"concurrency": 2}, {}, 2),
        ({}, {"concurrency": 85}, 2),
        ({"concurrency": 2}, {"concurrency": 40}, 1),
        ({}, {}, 3),
    ],
)
async def test_as_many_nodes_are_asked_for_gangs_as_their_limits_allow(
    plane, leads, follows, gangs
):
    wide = msgspec.structs.replace(MASTER, gang={"worker": 40}, **leads)
    await plane.release(wide, msgspec.structs.replace(WORKER, **follows))
    for _ in range(3):
        leader = await plane.run("load", parameters={"sleep_s": 0})
    await waits_for(plane, leader, "no room for worker")
    backlog = await plane.dispatch.starts.backlog()
    assert [(row.lane.job, row.count) for row in backlog] == [
        ("load", gangs),
        ("worker", 40 * gangs),
    ]


async def test_runs_of_one_job_share_what_its_limit_leaves_whatever_their_priority(plane):
    large = msgspec.structs.replace(WORKER, resources=Resources(cpu=3, memory_mib=64))
    await plane.release(msgspec.structs.replace(large, concurrency=3))
    await plane.until(await plane.run("worker", parameters={"sleep_s": 30}), "running")
    for priority in (1, 1, 2):
        last = await plane.run("worker", parameters={"sleep_s": 0}, priority=priority)
    await waits_for(plane, last, "cores needed")
    backlog = await plane.dispatch.starts.backlog()
    assert [(row.lane.priority, row.count) for row in backlog] == [(2, 1), (1, 1)]


LOCKED = msgspec.structs.replace(WORKER, locks=("a",))


@pytest.mark.parametrize(
    ("member", "said"),
    [
        (LOCKED, "worker, of its gang, cannot have a gang or a lock of its own"),
        (
            msgspec.structs.replace(WORKER, gang={"load": 1}),
            "worker, of its gang, cannot have a gang or a lock of its own",
        ),
        (
            msgspec.structs.replace(WORKER, concurrency=2),
            "its gang has 3 of worker, whose concurrency is 2",
        ),
    ],
)
async def test_one_that_was_queued_before_its_gang_became_impossible_says_so(plane, member, said):
    await plane.release(MASTER, WORKER)
    leader = await plane.run("load", at=datetime.now(UTC) + timedelta(seconds=0.3))
    await plane.release(MASTER, member, number=2)
    await waits_for(plane, leader, f"v2 of shop: {said}")
    assert await all_of(plane, "worker") == []


async def test_a_schedule_starts_no_gang_that_would_hold_no_lock(plane):
    often = Schedule(name="tick", job="load", cron="* * * * *")
    plane.clock.to_the_minute()
    await plane.release(MASTER, LOCKED, schedules=(often,))
    async with asyncio.timeout(70):
        while not (made := await all_of(plane, "load")):
            await asyncio.sleep(0.05)
    await waits_for(plane, made[0], "cannot have a gang or a lock of its own")
    assert await all_of(plane, "worker") == []


async def test_a_gang_is_judged_by_the_release_that_a_run_is_pinned_to(plane):
    await plane.release(MASTER, LOCKED)
    await plane.release(MASTER, WORKER, number=2)
    with pytest.raises(Invalid, match="cannot have a gang or a lock of its own"):
        await plane.run("load", release=1)
    await plane.release(MASTER, LOCKED, number=3)
    leader = await plane.run("load", release=2)
    assert (await plane.ended(leader)).state is RunState.SUCCEEDED
