"""The event of a request for runs says who asked, and by which way."""

from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec

from headway.control.requests import DeadQuestion
from headway.control.runs import replays
from headway.control.runs.scheduling import fire
from headway.model.job import Delivery, Job, Retries
from headway.model.run import After, Run
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
    now = await plane.run(run.job, schedule="nightly", tags={"schedule": "nightly"})
    assert await reason(plane, now) == "me ran schedule nightly now"
