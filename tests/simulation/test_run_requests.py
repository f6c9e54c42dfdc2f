"""The event of a request for runs says who asked, and by which way."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec
import pytest

from headway.control.errors import Conflict, NotFound
from headway.control.requests import DeadQuestion
from headway.control.runs import replays, schedules
from headway.control.runs.scheduling import fire
from headway.model.job import Delivery, Job, Retries
from headway.model.run import After, Run, RunState, ScheduledBy
from headway.model.schedule import Schedule, ScheduleState
from tests.simulation.conftest import APP, ENVIRONMENT, SMALL, Plane, wishing

MAIL = Job(
    name="mail",
    function="m:f",
    resources=SMALL,
    delivery=Delivery.AT_LEAST_ONCE,
    retries=Retries(most=0),
)


async def reason(plane: Plane, run: Run) -> str:
    events = await plane.store.read(lambda reader: reader.events(subject=run.id))
    (event,) = [event for event in events if event.kind == "run.requested"]
    return event.because


async def test_a_call(plane):
    await plane.release(MAIL)
    assert await reason(plane, await plane.run("mail")) == "me invoked it"


async def test_a_call_of_many_at_once_is_one_event(plane):
    await plane.release(MAIL)
    first, *_ = await plane.invoke("mail", wishing(), wishing(), wishing())
    assert await reason(plane, first) == "me invoked it, with 2 others in one request"


async def test_a_time_and_what_is_followed(plane):
    await plane.release(MAIL)
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    later = await plane.run("mail", at=at)
    follower = await plane.run("mail", after=(After(run=later.id),))
    assert await reason(plane, later) == f"me invoked it, to start at {at:%Y-%m-%d %H:%M:%S} UTC"
    assert await reason(plane, follower) == "me invoked it, to follow 1 run"


async def test_a_run_again_and_a_replay_of_a_dead_one(plane):
    await plane.release(MAIL)
    dead = await plane.ended(await plane.run("mail", parameters={"fail": "down"}))
    (replayed,) = (
        await replays.replay(plane.world, plane.dispatch, "ana", DeadQuestion(runs=(dead.id,)))
    ).runs
    found = await plane.store.read(lambda reader: reader.get(Run, replayed.again))
    assert await reason(plane, found) == f"ana replayed {dead.id} from the dead-letter list"
    again = await replays.again(plane.world, plane.dispatch, "ana", dead.id)
    assert await reason(plane, again) == f"ana asked for {dead.id} again"


async def test_a_schedule(plane):
    nightly = Schedule(name="nightly", job="mail", cron="0 5 * * *")
    await plane.release(MAIL, schedules=(nightly,))
    five = datetime(2126, 3, 1, 5, tzinfo=UTC)

    def seen_before(tx) -> bool:
        row = tx.get(ScheduleState, ENVIRONMENT, APP, "nightly")
        if row is not None:
            fields = {"next_at": five, "seen_until": five - timedelta(minutes=1)}
            tx.put(msgspec.structs.replace(row, **fields))
        return row is not None

    plane.schedules.look()
    while not await plane.store.write(seen_before):
        plane.schedules.look()
    made, _ = await plane.store.write(
        partial(fire, world=plane.world, now=five + timedelta(seconds=1))
    )
    ((run,),) = [one.runs for one in made]
    assert await reason(plane, run) == "schedule nightly was due at 2126-03-01T05:00:00Z"
    assert (run.scheduled_by, run.made_by) == (ScheduledBy.CLOCK, "schedule nightly")
    now = await schedules.run(plane.world, plane.dispatch, "ana", "demo", "nightly")
    assert await reason(plane, now) == "ana ran schedule nightly now"
    assert (now.scheduled_by, now.created_by) == (ScheduledBy.HAND, "ana")
    assert now.made_by == "ana, who ran schedule nightly"
    (view,) = await schedules.listing(plane.world, "demo")
    assert view.state.last_run != now.id, "no time waits for what was run by hand"


async def test_a_run_of_a_schedule_keeps_its_parameters_and_starts_at_once_also_while_it_is_paused(
    plane,
):
    nightly = Schedule(name="nightly", job="mail", cron="0 5 * * *", parameters={"to": "bo"})
    await plane.release(MAIL, schedules=(nightly,))
    await taken_over(plane)
    await schedules.pause(plane.world, plane.schedules, "ana", "demo", "shop/nightly")
    run = await schedules.run(plane.world, plane.dispatch, "ana", "demo", "shop/nightly")
    assert msgspec.json.decode(run.parameters) == {"to": "bo"}
    assert (await plane.ended(run)).state is not RunState.CANCELLED


async def test_a_schedule_that_no_release_declares_any_more_is_not_run(plane):
    nightly = Schedule(name="nightly", job="mail", cron="0 5 * * *")
    await plane.release(MAIL, schedules=(nightly,))
    await taken_over(plane)
    await plane.release(MAIL, number=2)
    async with asyncio.timeout(5):
        while (await schedules.listing(plane.world, "demo"))[0].state.live:
            await asyncio.sleep(0.01)
    with pytest.raises(Conflict, match="no release that serves declares schedule"):
        await schedules.run(plane.world, plane.dispatch, "ana", "demo", "nightly")
    with pytest.raises(NotFound, match=f"there is no schedule weekly: demo has {APP}/nightly"):
        await schedules.run(plane.world, plane.dispatch, "ana", "demo", "weekly")


def test_a_run_that_was_written_down_before_that_was_noted_is_read_as_one_of_its_schedule():
    row = {
        "id": "k1", "environment": "demo~1", "app": "shop", "job": "mail", "queue": "default",
        "state": "succeeded", "created_at": "2026-03-01T05:00:00Z", "created_by": "ana",
        "schedule": "nightly", "tags": {"schedule": "nightly"},
    }  # fmt: skip
    run = msgspec.convert(row, Run)
    assert (run.scheduled_by, run.made_by) == (None, "schedule nightly")


async def taken_over(plane) -> None:
    async with asyncio.timeout(5):
        while not await schedules.listing(plane.world, "demo"):
            await asyncio.sleep(0.01)
