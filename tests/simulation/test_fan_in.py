"""Schedules whose runs wait for those of others, for the same period."""

from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec
import pytest

from headway.control.requests import RunQuestion
from headway.control.runs import runs
from headway.control.runs.scheduling import fire
from headway.model.job import Job
from headway.model.run import After, Run, RunState
from headway.model.schedule import Overlap, Schedule, ScheduleState
from tests.simulation.conftest import APP, ENVIRONMENT, SMALL

JOBS = [Job(name=name, function="m:f", resources=SMALL) for name in ("extract", "report")]
EAST = Schedule(name="east", job="extract", cron="0 5 * * *", overlap=Overlap.SKIP)
WEST = msgspec.structs.replace(EAST, name="west", cron="0 6 * * *")
REPORT = Schedule(name="report", job="report", cron="0 6 * * *", after=("east", "west"))
SIX = datetime(2126, 3, 1, 6, tzinfo=UTC)
"""In the future, so that the loop itself makes nothing meanwhile."""


@pytest.fixture
async def before_six(plane):
    """All schedules have seen everything up to just before five."""
    await plane.release(*JOBS, schedules=(REPORT, EAST, WEST))
    for schedule in (REPORT, EAST, WEST):
        await until(plane, schedule.name, seen_until=SIX - timedelta(minutes=61))
    return plane


async def until(plane, name: str, **fields) -> None:
    """Have a schedule, once it was adopted, stand where a test begins."""

    def deed(tx) -> bool:
        row = tx.get(ScheduleState, ENVIRONMENT, APP, name)
        if row is not None:
            next_at = fields["seen_until"]
            tx.put(msgspec.structs.replace(row, **{"next_at": next_at, **fields}))
        return row is not None

    plane.schedules.look()
    while not await plane.store.write(deed):
        plane.schedules.look()


async def fired(plane, now: datetime) -> dict[str, Run]:
    """Let a time come; gives the runs that it made by their schedules."""
    made, _ = await plane.store.write(partial(fire, world=plane.world, now=now))
    return {row.schedule: row for one in made for row in one.runs}


async def test_a_run_waits_for_those_of_its_period_also_when_all_come_at_once(before_six):
    made = await fired(before_six, SIX + timedelta(seconds=1))
    assert set(made) == {"east", "west", "report"}
    assert made["report"].after == (
        After(job="extract", key="east@2126-03-01T05:00:00Z"),
        After(job="extract", key="west@2126-03-01T06:00:00Z"),
    )
    assert made["report"].state is RunState.WAITING
    assert "for the success of extract with the key east@" in runs.waits(
        before_six.dispatch, made["report"]
    )


async def test_one_that_was_made_in_time_is_waited_for_until_it_ended(before_six):
    early = await fired(before_six, SIX - timedelta(minutes=59))
    assert set(early) == {"east"}
    made = await fired(before_six, SIX + timedelta(seconds=1))
    assert [after.key for after in made["report"].after] == [
        "east@2126-03-01T05:00:00Z",
        "west@2126-03-01T06:00:00Z",
    ]


async def test_what_has_failed_cancels_what_was_to_follow(before_six):
    early = await fired(before_six, SIX - timedelta(minutes=59))
    failed = msgspec.structs.replace(early["east"], state=RunState.FAILED, ended_at=SIX)
    await before_six.store.write(lambda tx: tx.put(failed))
    made = await fired(before_six, SIX + timedelta(seconds=1))
    assert made["report"].state is RunState.CANCELLED
    assert made["report"].because == f"it was to follow extract {failed.id}, which failed"


async def test_a_run_before_that_goes_on_is_waited_for_where_a_time_was_left_out(before_six):
    yesterday = SIX - timedelta(days=1, minutes=59)
    await until(before_six, "east", seen_until=yesterday - timedelta(minutes=2))
    late = (await fired(before_six, yesterday))["east"]
    made = await fired(before_six, SIX + timedelta(seconds=1))
    assert set(made) == {"west", "report"}
    assert made["report"].after[0] == After(run=late.id)


async def test_a_run_that_is_refused_keeps_no_other_schedule_from_its_own(before_six):
    """Somebody has made runs by hand that turn its time into a circle."""
    await before_six.run(
        "extract",
        key="east@2126-03-01T05:00:00Z",
        after=(After(job="report", key="report@2126-03-01T06:00:00Z"),),
    )
    made = await fired(before_six, SIX + timedelta(seconds=1))
    assert set(made) == {"west"}
    row = await before_six.store.read(
        lambda reader: reader.get(ScheduleState, ENVIRONMENT, APP, "report")
    )
    assert row.because.startswith("left out: they would wait for one another for ever: report")


async def test_a_drained_queue_takes_no_run_of_a_schedule(before_six):
    await before_six.hold(draining=True, reason="moving")
    assert await fired(before_six, SIX + timedelta(seconds=1)) == {}
    row = await before_six.store.read(
        lambda reader: reader.get(ScheduleState, ENVIRONMENT, APP, "report")
    )
    assert row.because == "left out: queue default was drained by me"
    await before_six.hold(reason="moving")
    tomorrow = await fired(before_six, SIX + timedelta(days=1, seconds=1))
    assert set(tomorrow) == {"east", "west", "report"}


async def test_nothing_is_waited_for_that_is_paused(before_six):
    for name in ("east", "west"):
        await until(before_six, name, seen_until=SIX, paused=True, next_at=None)
    made = await fired(before_six, SIX + timedelta(seconds=1))
    assert set(made) == {"report"}
    assert made["report"].after == ()
    page = await runs.listing(before_six.world, RunQuestion(environment="demo"))
    assert [row.id for row in page.rows] == [made["report"].id]
