"""What is cheapest to lose gives way to a higher priority, and nothing is lost by it."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from headway.calculate.placement import Promise
from headway.control.queries import why
from headway.control.runs import attempts, ends, runs
from headway.control.runs.preemptions import Preemptions
from headway.model.demand import Demand
from headway.model.event import Event
from headway.model.job import Delivery, Job, Retries
from headway.model.placement import Placement
from headway.model.resources import Resources
from headway.model.run import Run, RunState

BATCH = Job(
    name="batch",
    function="m:f",
    resources=Resources(cpu=1, memory_mib=64),
    delivery=Delivery.AT_LEAST_ONCE,
    retries=Retries(most=0),
    placement=Placement(preemptible=True),
)
URGENT = Job(
    name="urgent",
    function="m:f",
    resources=Resources(cpu=1.5, memory_mib=64),
    placement=Placement(priority=10),
)


def app(job: Job) -> Job:
    """Declare it in headway.yaml, where the whole placement of a job is its own."""
    return msgspec.structs.replace(job, function="", command="true")


JOBS = (app(BATCH), app(URGENT))
FILLED = 3
"""Runs of BATCH that fit beside their runner."""


async def fill(plane, count=FILLED, sleep_s=30.0):
    filled = [await plane.run("batch", parameters={"sleep_s": sleep_s}) for _ in range(count)]
    return [await plane.until(run, "running") for run in filled]


async def events_of(plane, subject) -> list[Event]:
    return await plane.store.read(lambda reader: reader.events(subject=subject))


async def attempts_of(plane, rows) -> list[Run]:
    return [await runs.one(plane.world, row.id) for row in rows]


async def test_those_who_have_worked_least_give_way_as_many_as_are_needed(plane):
    await plane.release(*JOBS)
    filled = await fill(plane, 2)
    await asyncio.sleep(0.3)
    filled += await fill(plane, 1)
    urgent = await plane.run("urgent", parameters={"sleep_s": 0.2, "result": 1})
    assert (await plane.ended(urgent)).state is RunState.SUCCEEDED
    rows = await attempts_of(plane, filled)
    assert [row.attempts[0].is_handed_back for row in rows] == [False, False, True]
    first = rows[2].attempts[0]
    assert first.outcome is RunState.LOST
    assert urgent.id in first.preempted
    assert "priority 10 takes the place of" in first.preempted
    (told,) = [row for row in await events_of(plane, rows[2].id) if row.kind == "run.preempted"]
    assert told.because == first.preempted
    (told,) = [row for row in await events_of(plane, urgent.id) if row.kind == "run.preempting"]
    assert rows[2].id in told.because
    said = await why.explain(plane.world, plane.dispatch, rows[2].id)
    assert any(urgent.id in row.event.because for row in said.happened)
    again = await plane.until(rows[2], "running")  # as soon as there is room
    assert len(again.attempts) == 2


async def test_what_gave_way_uses_up_no_retry_and_ends_well(plane):
    await plane.release(*JOBS)
    filled = await fill(plane, sleep_s=0.6)
    urgent = [await plane.run("urgent", parameters={"sleep_s": 0.1}) for _ in range(3)]
    for run in (*urgent, *filled):
        assert (await plane.ended(run)).state is RunState.SUCCEEDED


@pytest.mark.parametrize(
    "kept",
    [
        msgspec.structs.replace(JOBS[0], placement=Placement()),
        msgspec.structs.replace(JOBS[0], delivery=Delivery.AT_MOST_ONCE),
        msgspec.structs.replace(JOBS[0], placement=Placement(preemptible=True, priority=10)),
    ],
    ids=["not preemptible", "at most once", "same priority"],
)
async def test_what_may_not_be_lost_stays(plane, kept):
    await plane.release(kept, JOBS[1])
    filled = await fill(plane, sleep_s=0.5)
    urgent = await plane.run("urgent")
    done = await plane.ended(urgent)
    rows = await attempts_of(plane, filled)
    assert all(len(row.attempts) == 1 for row in rows)
    by_itself = [row.ended_at for row in rows if row.state is RunState.SUCCEEDED]
    assert min(by_itself) <= done.attempts[0].ordered_at


async def test_no_more_give_way_in_a_minute_than_was_set(plane):
    plane.world.settings = msgspec.structs.replace(plane.world.settings, preemptions_minute_max=1)
    await plane.release(*JOBS)
    await fill(plane)
    first = await plane.run("urgent", parameters={"sleep_s": 30})
    await plane.until(first, "running")
    second = await plane.run("urgent")
    async with asyncio.timeout(10):
        while "no more than 1 times a minute" not in plane.dispatch.starts.reason(second):
            await asyncio.sleep(0.01)


async def test_no_room_is_held_for_more_than_wait(plane):
    world = plane.world
    demand = Demand(resources=Resources(cpu=0.5, memory_mib=64), priority=10)
    for _ in range(2):
        promise = Promise(
            whom="urgent",
            node=world.nodes[0].id,
            demands=(demand,),
            awaited=frozenset({"run"}),
            until=world.clock.now() + timedelta(minutes=1),
        )
        world.fleet.promise(promise)
    held = []
    for waiting in ({"urgent": 2}, {"urgent": 1, "other": 1}, {"other": 1}):
        Preemptions(world).tidy(waiting)
        held.append(len(world.fleet.promises()))
    assert held == [2, 1, 0]


async def test_room_is_given_back_when_who_it_was_for_is_cancelled(plane, monkeypatch):
    """It is cancelled while what gives way to it has not been told to end yet."""
    await plane.release(*JOBS)
    filled = await fill(plane)
    starts, told = plane.dispatch.starts, []
    with monkeypatch.context() as patch:
        patch.setattr(starts, "tell_to_end", told.extend)
        urgent = await plane.run("urgent")
        async with asyncio.timeout(10):
            while not told:
                await asyncio.sleep(0.01)
        assert plane.world.fleet.has_promises
        await runs.cancel(plane.world, plane.dispatch, "me", urgent.id)
    starts.tell_to_end(told)
    async with asyncio.timeout(10):
        while not [row for row in await attempts_of(plane, filled) if len(row.attempts) == 2]:
            await asyncio.sleep(0.01)
    assert not plane.world.fleet.has_promises


async def killed_as_it_takes_places(plane, monkeypatch, job, *, before, **wish) -> Run:
    """Ask for a run, and kill the control plane as others are to give way to it; it is back then.

    `before` that is written, or behind that, before anybody is told.
    """
    reached = asyncio.Event()

    async def preempt(self):
        takings = self._preemptions.collected()
        if not takings:
            return
        if not before:
            numbers = {row.run: row.attempt for row in self._under_way.all()}
            now = self._world.clock.now()
            await self._world.store.write(
                lambda tx: attempts.preempt(tx, takings, numbers, now)  # and nobody is told
            )
        reached.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as patch:
        patch.setattr(type(plane.dispatch.starts), "_preempt", preempt)
        run = await plane.run(job, **wish)
        await asyncio.wait_for(reached.wait(), 10)
        await plane.down()
    await plane.up()
    return run


@pytest.mark.parametrize("before", [True, False], ids=["before it is written", "behind that"])
async def test_a_control_plane_that_is_killed_in_between_loses_nothing(plane, monkeypatch, before):
    await plane.release(*JOBS)
    filled = await fill(plane, sleep_s=1.0)
    urgent = await killed_as_it_takes_places(
        plane, monkeypatch, "urgent", before=before, parameters={"result": 1}
    )
    assert (await plane.ended(urgent)).state is RunState.SUCCEEDED
    rows = [await plane.ended(run) for run in filled]
    assert [row.state for row in rows] == [RunState.SUCCEEDED] * FILLED
    assert sum(len(row.attempts) for row in rows) == FILLED + 1


async def test_one_that_was_told_while_headway_died_is_handed_back_and_not_cancelled(
    plane, monkeypatch
):
    await plane.release(*JOBS)
    filled = await fill(plane)
    took = asyncio.Event()

    async def took_nothing(_self, _slot, facts):
        if any(fact.cancelled for fact in facts):
            took.set()
            await asyncio.Event().wait()

    with monkeypatch.context() as patch:
        patch.setattr(ends.Ends, "took", took_nothing)
        urgent = await plane.run("urgent")
        await asyncio.wait_for(took.wait(), 10)
        await plane.down()
    await plane.up()
    assert (await plane.ended(urgent)).state is RunState.SUCCEEDED
    rows = await attempts_of(plane, filled)
    assert not [row for row in rows if row.is_ended]
    assert sum(row.attempts[0].is_handed_back for row in rows) == 1
